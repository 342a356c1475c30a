//! Writes the OpenAPI document to standard output, or with `problems` the page of problems; `make
//! openapi` checks them in.

#[expect(clippy::print_stdout, reason = "it is what the program is for")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    match std::env::args().nth(1).as_deref() {
        None => print!("{}", openapi::text()?),
        Some("problems") => print!("{}", openapi::problems::page()),
        Some(other) => return Err(format!("{other}: give nothing, or problems").into()),
    }
    Ok(())
}
