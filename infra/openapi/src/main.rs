//! Writes the OpenAPI document to standard output; `make openapi` checks it in.

#[expect(clippy::print_stdout, reason = "it is what the program is for")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    print!("{}", openapi::text()?);
    Ok(())
}
