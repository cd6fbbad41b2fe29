//! Parses the endpoint, and determines the part of it that may be shown to people.

use reqwest::Url;

use crate::error::ConfigError;

use super::{Filled, invalid};

/// Returns the URL, and the text that may be shown instead of it: without user, query and secrets.
pub(super) fn endpoint(written: &str, filled: &Filled) -> Result<(Url, String), ConfigError> {
    let refuse = |shown: &str, expected| Err(invalid("http.endpoint", shown, expected));
    let Ok(url) = Url::parse(filled.reveal()) else {
        // This text is not a URL, so it is unknown where its user part ends. If it may have one, nothing is
        // shown.
        let shown = if written.contains('@') {
            "***"
        } else {
            &without_user_and_query(written)
        };
        return refuse(
            shown,
            "give an address such as `https://example.net/events`",
        );
    };
    let shown = without_user_and_query(written);
    if !["http", "https", "ws", "wss"].contains(&url.scheme()) || url.host_str().is_none() {
        return refuse(&shown, "begin it with http://, https://, ws:// or wss://");
    }
    if filled.is_secret {
        return Ok((url, shown));
    }
    let mut shown = url.clone();
    shown.set_query(None);
    shown.set_fragment(None);
    let _hidden = shown
        .set_username("")
        .and_then(|()| shown.set_password(None));
    Ok((url, shown.to_string()))
}

/// Returns the URL without user and query. `written` is the text of the file, which a URL parser may not accept
/// because it contains `${{ … }}` instead of secrets.
fn without_user_and_query(written: &str) -> String {
    let (scheme, rest) = written.split_at(written.find("://").map_or(0, |at| at + "://".len()));
    // URL parsers treat `\` as `/`.
    let authority_end = rest.find(['/', '\\', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(authority_end);
    let host = authority.rsplit('@').next().unwrap_or_default();
    let path = path.split(['?', '#']).next().unwrap_or_default();
    format!("{scheme}{host}{path}")
}

#[cfg(test)]
mod tests {
    use crate::config::{Config, Secrets};

    /// Returns the endpoint as the configuration shows it, or the error about it.
    fn shown(endpoint: &str) -> String {
        let yaml = format!(
            "meta: {{name: t, type: http-source, topic: t, secrets: [{{name: S}}]}}\nhttp: {{endpoint: '{endpoint}'}}\n"
        );
        let secrets = Secrets::from_file("S=hush").expect("secrets");
        match Config::parse(&yaml, &secrets) {
            Ok(config) => config.endpoint().to_owned(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn neither_user_nor_query_is_shown_with_a_secret_or_without() {
        for (endpoint, expected) in [
            ("http://user:pass@h.net/a?q=pass#pass", "http://h.net/a"),
            (
                "http://user:pass@h.net/${{ secrets.S }}?q=pass#pass",
                "http://h.net/${{ secrets.S }}",
            ),
            (
                "ws://p@ss:p@ss@h.net/${{ secrets.S }}",
                "ws://h.net/${{ secrets.S }}",
            ),
            ("http://user:${{ secrets.S }}@h.net/a@b", "http://h.net/a@b"),
            ("http://h.net?a=${{ secrets.S }}&b=p@ss", "http://h.net"),
            ("http://h.net#${{ secrets.S }}@pass", "http://h.net"),
        ] {
            assert_eq!(shown(endpoint), expected, "{endpoint}");
        }
    }

    #[test]
    fn errors_show_neither_user_nor_query() {
        for (endpoint, expected) in [
            (
                "http://user:pass?pass@h.net/",
                "`http.endpoint` is `***`: give",
            ),
            (
                "http://user:pass@h.net:x/${{ secrets.S }}",
                "is `***`: give",
            ),
            ("h.net/a?pass", "`h.net/a`: give"),
            ("ftp://user:pass@h.net/a?pass", "`ftp://h.net/a`: begin"),
            (
                "user:pass@h.net/${{ secrets.S }}",
                "`h.net/${{ secrets.S }}`: begin",
            ),
            (
                "http://user:pass@h.net/${{ env.S }}",
                "is `${{ env.S }}`: write",
            ),
            ("http://user:pass@h.net/${{ pass", "is `${{`: write"),
        ] {
            let error = shown(endpoint);
            assert!(error.contains(expected), "{error}");
            assert!(
                !error.contains("pass") && !error.contains("hush"),
                "{error}"
            );
        }
    }
}
