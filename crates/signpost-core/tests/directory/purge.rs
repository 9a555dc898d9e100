//! Purges: planned, approved, held back, and what each covers.

mod coverage;
