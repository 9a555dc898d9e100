use super::*;

const SMALL: &str = r#"
    [server]
    listen = "127.0.0.1:7443"
    certificate = "server.pem"
    key = "server.key"
    client_authority = "ca.pem"
    [store]
    data = "data"
    keyring = "keyring"
    [ledger]
        directory = "ledger"
        key = "ledger.key"
        origin = "signpost.example/ledger"
        [pseudonymiser]
    mode = "in-process"
    keys = "evaluation.keys"
"#;

fn parse(text: &str, environment: &[(&str, &str)]) -> Result<Config, String> {
    let environment = environment.iter();
    Config::parse(text, environment.map(|(k, v)| ((*k).to_owned(), (*v).to_owned())))
}

#[test]
fn what_is_not_given_has_its_default() {
    let config = parse(SMALL, &[]).unwrap();
    assert_eq!(config.limits, Limits::default());
    assert!(!config.server.reflection);
}

#[test]
fn an_unknown_key_is_refused_by_name() {
    let error = parse(&SMALL.replace("keys =", "kees ="), &[]).unwrap_err();
    assert!(error.contains("kees"), "{error}");
    assert!(!error.contains('\n'), "one line: {error}");
}

#[test]
fn the_environment_overrides_and_is_checked_alike() {
    let listen = [("SIGNPOST__SERVER__LISTEN", "127.0.0.1:1"), ("HOME", "/x")];
    assert_eq!(parse(SMALL, &listen).unwrap().server.listen.port(), 1);
    let limit = [("SIGNPOST__LIMITS__DRAIN_SECONDS_MAX", "5")];
    assert_eq!(parse(SMALL, &limit).unwrap().limits.drain_seconds_max, 5);
    assert!(parse(SMALL, &[("SIGNPOST__SERVER__LISTNE", "x")]).is_err());
    assert!(parse(SMALL, &[("SIGNPOST__SERVER__LISTEN__X", "x")]).is_err());
}

#[test]
fn what_contradicts_itself_is_refused() {
    let inside = SMALL.replace("keyring = \"keyring\"", "keyring = \"data/keyring\"");
    assert!(parse(&inside, &[]).unwrap_err().contains("store.keyring"));
    let inside = SMALL.replace("\"ledger\"", "\"data/ledger\"");
    assert!(parse(&inside, &[]).unwrap_err().contains("ledger.directory"));
    let authority = "[authority]\ncertificate = \"ca.pem\"\nkey = \"ca.key\"\n";
    let with_authority = format!("{SMALL}{authority}");
    let days = |config: Config| config.authority.map(|own| own.certificate_days);
    assert_eq!(days(parse(&with_authority, &[]).unwrap()), Some(30));
    for wrong in ["0", "91"] {
        let days = [("SIGNPOST__AUTHORITY__CERTIFICATE_DAYS", wrong)];
        assert!(parse(&with_authority, &days).unwrap_err().contains("certificate_days"));
    }
    let zero = [("SIGNPOST__LIMITS__DRAIN_SECONDS_MAX", "0")];
    assert!(parse(SMALL, &zero).unwrap_err().contains("drain_seconds_max"));
}
