//! Compresses what is served, and names it by its content.

use std::{
    env, fs,
    io::{self, Write as _},
    path::Path,
};

use flate2::{Compression, GzBuilder};
use sha2::{Digest, Sha256};

/// Where each file lies, under which path it is served, and what it is.
const FILES: [(&str, &str, &str); 7] = [
    ("assets/page.html", "/docs", "text/html; charset=utf-8"),
    ("assets/page.css", "/docs/page.css", "text/css; charset=utf-8"),
    ("assets/page.js", "/docs/page.js", "text/javascript; charset=utf-8"),
    ("assets/swagger-ui.css.gz", "/docs/swagger-ui.css", "text/css; charset=utf-8"),
    (
        "assets/swagger-ui-bundle.js.gz",
        "/docs/swagger-ui-bundle.js",
        "text/javascript; charset=utf-8",
    ),
    ("../../infra/openapi/openapi.json", "/openapi.json", "application/json"),
    ("../../infra/openapi/problems.html", "/problems", "text/html; charset=utf-8"),
];

#[expect(clippy::disallowed_methods, reason = "cargo tells a build script by its environment")]
fn variable(name: &str) -> io::Result<String> {
    env::var(name).map_err(io::Error::other)
}

fn main() -> io::Result<()> {
    let (root, out) = (variable("CARGO_MANIFEST_DIR")?, variable("OUT_DIR")?);
    let mut rows = Vec::new();
    for (index, (file, path, kind)) in FILES.iter().enumerate() {
        println!("cargo::rerun-if-changed={file}");
        let bytes = fs::read(Path::new(&root).join(file))?;
        let is_gzip = Path::new(file).extension().is_some_and(|it| it == "gz");
        let gzip = if is_gzip { bytes } else { compressed(&bytes)? };
        let digest: [u8; 32] = Sha256::digest(&gzip).into();
        let tag = digest[..8].iter().fold(String::new(), |tag, byte| format!("{tag}{byte:02x}"));
        let name = Path::new(&out).join(format!("{index}.gz"));
        fs::write(&name, gzip)?;
        let name = name.display().to_string();
        // Weak: the same of both encodings.
        rows.push(format!(
            "File {{ path: {path:?}, kind: {kind:?}, tag: {:?}, gzip: include_bytes!({name:?}) }},",
            format!("W/\"{tag}\""),
        ));
    }
    fs::write(Path::new(&out).join("files.rs"), format!("&[{}]", rows.concat()))
}

fn compressed(bytes: &[u8]) -> io::Result<Vec<u8>> {
    // Without a time: the same bytes make the same file.
    let mut writer = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
    writer.write_all(bytes)?;
    writer.finish()
}
