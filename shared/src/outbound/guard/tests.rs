use super::*;
use crate::outbound::hostile;

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn no_hostile_url_passes() {
    assert!(hostile::URLS.len() >= 100);
    for url in hostile::URLS {
        assert!(check_url(url, false).is_err(), "{url}");
    }
}

#[test]
fn no_hostile_answer_of_the_dns_passes() {
    for answer in hostile::ANSWERS {
        let addresses: Vec<_> = answer.iter().map(|text| address(text)).collect();
        assert!(check_answer(&addresses, false).is_err(), "{answer:?}");
    }
}

#[test]
fn public_addresses_pass() {
    for (text, stored) in [
        ("https://example.com", "https://example.com/"),
        ("https://hooks.example.com/a?b=c", "https://hooks.example.com/a?b=c"),
        ("HTTPS://Hooks.Example.COM:443/A", "https://hooks.example.com/A"),
        ("https://example.com:8443/", "https://example.com:8443/"),
        ("https://example.com:1024/", "https://example.com:1024/"),
        ("https://8.8.8.8/", "https://8.8.8.8/"),
        ("https://[2606:4700:4700::1111]/", "https://[2606:4700:4700::1111]/"),
        ("https://b\u{fc}cher.example/", "https://xn--bcher-kva.example/"),
        ("https://localhost.example.com/", "https://localhost.example.com/"),
        ("https://local.example/", "https://local.example/"),
    ] {
        assert_eq!(check_url(text, false).map(String::from).as_deref(), Ok(stored));
    }
    for text in
        ["1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "128.0.0.0"]
    {
        assert!(check_address(address(text), false).is_ok(), "{text}");
    }
    for text in ["172.15.255.255", "172.32.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255"]
    {
        assert!(check_address(address(text), false).is_ok(), "{text}");
    }
    for text in ["2001:200::1", "2001:4860:4860::8888", "2003::1", "2a00:1450::1", "3ffd::1"] {
        assert!(check_address(address(text), false).is_ok(), "{text}");
    }
}

#[test]
fn the_faults_are_told_apart() {
    let long = format!("https://example.com/{}", "a".repeat(MAX_URL));
    for (text, refusal) in [
        (long.as_str(), Refusal::TooLong),
        ("example.com", Refusal::NotAUrl),
        ("http://example.com/", Refusal::NotHttps),
        ("https://a@example.com/", Refusal::Credentials),
        ("https://example.com/#a", Refusal::Fragment),
        ("https://example.com:22/", Refusal::Port),
        ("https://127.1/", Refusal::NotPublic),
    ] {
        assert_eq!(check_url(text, false), Err(refusal));
    }
    assert_eq!(check_answer(&[], false), Err(Refusal::Unresolved));
}

#[test]
fn insecure_is_loopback_and_http_and_no_more() {
    for text in [
        "http://127.0.0.1:9999/",
        "http://localhost:9999/hook",
        "http://[::1]:9999/",
        "http://example.com/",
        "https://example.com/",
    ] {
        assert!(check_url(text, true).is_ok(), "{text}");
    }
    for text in [
        "http://169.254.169.254/",
        "http://10.0.0.1/",
        "http://user@localhost:9999/",
        "ftp://localhost:9999/",
        "http://localhost:22/",
    ] {
        assert!(check_url(text, true).is_err(), "{text}");
    }
    assert!(check_address(address("127.0.0.1"), true).is_ok());
    assert!(check_address(address("::1"), true).is_ok());
    assert!(check_address(address("::ffff:127.0.0.1"), true).is_err());
    assert!(check_address(address("169.254.169.254"), true).is_err());
}
