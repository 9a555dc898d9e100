//! Compiles the public contract with protox: no protoc on any machine.

use std::path::PathBuf;

use prost::Message;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../proto");
    println!("cargo::rerun-if-changed={}", root.display());
    let files = [
        "alert_service",
        "ledger_service",
        "onboarding_service",
        "pseudonym_service",
        "purge_service",
        "signpost_service",
    ];
    let files = files.map(|file| format!("signpost/v1/{file}.proto"));
    let descriptors = protox::compile(files, [&root])?;
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(out.join("descriptors.bin"), descriptors.encode_to_vec())?;
    // What is long, and the same for all, is shared rather than copied.
    let shared = [
        ".signpost.v1.AskAsBrokerResponse.padding",
        ".signpost.v1.AskResponse.padding",
        ".signpost.v1.AskManyResponse.padding",
    ];
    let mut code = tonic_prost_build::configure();
    for field in shared {
        code = code.bytes(field);
    }
    code.compile_fds(descriptors)?;
    Ok(())
}
