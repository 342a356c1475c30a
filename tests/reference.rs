//! The reference as a reader has it: in a browser, against the running functions.

use std::{path::Path, process::Command};

use system_tests::System;

/// `reference.py` opens the page, signs in, sends a request and looks at the answer.
#[test]
fn a_reader_signs_in_and_sends_a_request_and_nothing_leaves_the_origin() {
    let system = System::get();
    let reader = system.organization("reference");
    let picture = Path::new(env!("CARGO_TARGET_TMPDIR")).join("reference.png");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("reference.py");
    let status = Command::new("python3")
        .arg(script)
        .args([system.url(), &reader.email, &reader.password])
        .arg(&picture)
        .status()
        .unwrap();
    assert!(status.success(), "see above; the last picture is {}", picture.display());
}
