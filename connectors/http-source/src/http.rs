//! Requests to the endpoint: how they are made, which answers are good, and what is done about the others.

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use reqwest::header::{HeaderMap, RETRY_AFTER, TRANSFER_ENCODING};
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Client, Response, StatusCode};

use crate::config::Config;
use crate::error::SourceError;
use crate::supervisor::Failure;
use crate::tls::{TRUST_HINT, is_distrust, tls};

/// A server that does not answer at all is told from a slow one within this time.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Far more than any honest server needs; loops end here.
const REDIRECTS_MAX: usize = 5;
/// A server may ask for a longer pause than ours, up to this.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(300);

/// Sends the configured request.
#[derive(Debug)]
pub(crate) struct Http {
    client: Client,
    config: Arc<Config>,
}

impl Http {
    pub(crate) fn new(config: Arc<Config>) -> Result<Self, SourceError> {
        let setup = |reason: String| SourceError::Setup {
            endpoint: config.endpoint.clone(),
            reason,
        };
        let has_secrets = !config.censor.is_empty();
        let client = Client::builder()
            .tls_backend_preconfigured(tls(&config)?)
            .redirect(Policy::custom(move |attempt| follow(attempt, has_secrets)))
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(config.idle_timeout)
            .build()
            .map_err(|error| setup(explain(&error)))?;
        Ok(Self { client, config })
    }

    /// An answer that is a good one.
    pub(crate) async fn request(&self) -> Result<Response, Failure> {
        let config = &self.config;
        let mut request = self
            .client
            .request(config.method.clone(), config.url.clone())
            .headers(config.headers.clone());
        if let Some(body) = &config.body {
            request = request.body(body.reveal().to_owned());
        }
        let response = request.send().await.map_err(|error| self.failure(error))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        Err(refusal(status, response.headers()))
    }

    /// What went wrong, without what may be secret.
    pub(crate) fn failure(&self, error: reqwest::Error) -> Failure {
        let is_refusal = error.is_redirect() || error.is_builder();
        let is_distrust = is_distrust(&error);
        let reason = self.config.censor.strike(&explain(&error.without_url()));
        if is_distrust {
            Failure::Refused(format!("{reason}; {TRUST_HINT}"))
        } else if is_refusal {
            Failure::Refused(reason)
        } else {
            Failure::Passing {
                reason,
                pause: Duration::ZERO,
            }
        }
    }
}

/// What an answer with a status that is none of success means: to try again soon, or that somebody has to do something.
pub(crate) fn refusal(status: StatusCode, headers: &HeaderMap) -> Failure {
    let reason = format!("the server answered {status}");
    let may_pass = status.is_server_error()
        || [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS].contains(&status);
    if may_pass {
        Failure::Passing {
            reason,
            pause: retry_after(headers),
        }
    } else {
        Failure::Refused(reason)
    }
}

/// Whether the end of an answer can be told from a cut connection: it says how long it is, or that it comes in chunks.
pub(crate) fn has_a_known_end(response: &Response) -> bool {
    let headers = response.headers();
    // The last coding alone frames the body: with another one the answer ends with its connection.
    let coding = headers.get_all(TRANSFER_ENCODING).iter().next_back();
    match coding.and_then(|coding| coding.to_str().ok()) {
        Some(coding) => coding.trim().to_ascii_lowercase().ends_with("chunked"),
        // Also where there can be no body, as with a status of 204.
        None => response.content_length().is_some(),
    }
}

/// An error with its causes: the outermost alone says little.
pub(crate) fn explain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.ends_with(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        cause = inner.source();
    }
    text
}

/// Follows up to a limit; what bears secrets is not taken to another server.
fn follow(attempt: Attempt<'_>, has_secrets: bool) -> reqwest::redirect::Action {
    let first = &attempt.previous()[0];
    if attempt.previous().len() > REDIRECTS_MAX {
        return attempt.error(format!("more than {REDIRECTS_MAX} redirects"));
    }
    if has_secrets && first.origin() != attempt.url().origin() {
        return attempt.error(
            "it redirects to another server, which the request's secrets are not meant for",
        );
    }
    attempt.follow()
}

/// In seconds, or as the date until which to wait.
fn retry_after(headers: &HeaderMap) -> Duration {
    let text = headers
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok());
    let pause = text.and_then(|text| {
        let seconds = text.trim().parse().ok().map(Duration::from_secs);
        seconds.or_else(|| until(text.trim()))
    });
    pause.unwrap_or_default().min(RETRY_AFTER_MAX)
}

/// How long it is until then; nothing where it is past.
fn until(date: &str) -> Option<Duration> {
    let then = httpdate::parse_http_date(date).ok()?;
    then.duration_since(SystemTime::now()).ok()
}

#[cfg(test)]
mod tests {
    use httpdate::fmt_http_date;

    use super::*;

    fn pause(retry_after: &str) -> Duration {
        let headers = [(RETRY_AFTER, retry_after.parse().expect("a value"))];
        super::retry_after(&headers.into_iter().collect())
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let seconds = Duration::from_secs;
        for (text, expected) in [
            (" 7 ", seconds(7)),
            ("86400", RETRY_AFTER_MAX),
            ("-1", Duration::ZERO),
            ("soon", Duration::ZERO),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Duration::ZERO),
            ("Fri, 31 Dec 2399 23:59:59 GMT", RETRY_AFTER_MAX),
        ] {
            assert_eq!(pause(text), expected, "{text}");
        }
        // Dates have whole seconds, and some time passes in between.
        let soon = pause(&fmt_http_date(SystemTime::now() + seconds(120)));
        assert!((seconds(110)..=seconds(120)).contains(&soon), "{soon:?}");
    }
}
