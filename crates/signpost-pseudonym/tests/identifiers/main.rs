//! What the parsers accept and refuse: tables of published numbers, and properties.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod properties;
mod reference;
mod vectors;
