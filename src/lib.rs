//! Signpost: adapters only. gRPC, TLS, configuration, the process and the command line, round the
//! rules of `signpost-core`.
//!
//! `main` only parses and calls [`cli::run`]; tests call [`server::Server`] with the same parts.

pub mod admission;
pub mod certificate;
pub mod cli;
pub mod clock;
mod closing;
pub(crate) mod code_file;
pub mod config;
pub mod connection;
pub mod demo;
pub mod entropy;
pub mod evaluation;
pub mod exit;
pub mod grpc;
pub mod init;
pub mod issuer;
pub mod ledger;
pub mod pki;
pub mod process;
pub mod progress;
mod purge;
pub mod seal;
pub mod secret_file;
pub mod seed_file;
pub mod server;
pub mod telemetry;
#[cfg(test)]
mod testing;
pub mod tls;
pub(crate) mod turn;
mod watch;
pub mod witness;

/// Whatever links this library allocates through it: the server and the benchmarks alike.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
