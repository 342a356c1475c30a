//! Measures the functions.

fn main() {}
