//! Sends requests to the endpoint, and classifies responses and errors as successful, temporary or permanent.

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use reqwest::header::{HeaderMap, RETRY_AFTER, TRANSFER_ENCODING};
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Client, Response, StatusCode};

use crate::config::Config;
use crate::error::SourceError;
use crate::outcome::FetchError;
use crate::tls::{TRUST_HINT, is_distrust, tls};

/// The time limit for connecting. A server that exceeds it counts as unreachable.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The maximum number of redirects: more than any real server needs, so that only loops exceed it.
const REDIRECTS_MAX: usize = 5;
/// The longest pause that a server may ask for.
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

    /// Sends the request; returns the response if its status is a success.
    pub(crate) async fn request(&self) -> Result<Response, FetchError> {
        let config = &self.config;
        let mut request = self
            .client
            .request(config.method.clone(), config.url.clone())
            .headers(config.headers.clone());
        if let Some(body) = &config.body {
            request = request.body(body.reveal().to_owned());
        }
        let response = request
            .send()
            .await
            .map_err(|error| self.fetch_error(error))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        Err(status_error(status, response.headers()))
    }

    /// Classifies the error, and describes it without parts that may be secret.
    pub(crate) fn fetch_error(&self, error: reqwest::Error) -> FetchError {
        let is_permanent = error.is_redirect() || error.is_builder();
        let is_distrust = is_distrust(&error);
        let reason = self.config.censor.strike(&explain(&error.without_url()));
        if is_distrust {
            FetchError::Permanent(format!("{reason}; {TRUST_HINT}"))
        } else if is_permanent {
            FetchError::Permanent(reason)
        } else {
            FetchError::Temporary {
                reason,
                pause: Duration::ZERO,
            }
        }
    }
}

/// Classifies an unsuccessful status: temporary if the next attempt may succeed, permanent if an operator has to
/// change something.
pub(crate) fn status_error(status: StatusCode, headers: &HeaderMap) -> FetchError {
    let reason = format!("the server answered {status}");
    let may_pass = status.is_server_error()
        || [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS].contains(&status);
    if may_pass {
        FetchError::Temporary {
            reason,
            pause: retry_after(headers),
        }
    } else {
        FetchError::Permanent(reason)
    }
}

/// Whether the end of a response can be distinguished from a cut connection, because the response has a length
/// or is chunked.
pub(crate) fn has_a_known_end(response: &Response) -> bool {
    let headers = response.headers();
    // Only the last coding frames the body: if it is not `chunked`, the response ends with its connection.
    let coding = headers.get_all(TRANSFER_ENCODING).iter().next_back();
    match coding.and_then(|coding| coding.to_str().ok()) {
        Some(coding) => coding.trim().to_ascii_lowercase().ends_with("chunked"),
        // The length is also known, as zero, for responses without a body, such as those with status 204.
        None => response.content_length().is_some(),
    }
}

/// Formats an error with all its causes, because the outermost message alone rarely explains the problem.
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

/// Follows redirects up to a limit. If the configuration has secrets, refuses a redirect to another origin.
fn follow(attempt: Attempt<'_>, has_secrets: bool) -> reqwest::redirect::Action {
    let first = &attempt.previous()[0];
    if attempt.previous().len() > REDIRECTS_MAX {
        return attempt.error(format!(
            "the server redirects more than {REDIRECTS_MAX} times"
        ));
    }
    if has_secrets && first.origin() != attempt.url().origin() {
        return attempt.error(
            "the server redirects to another one, and the request's secrets are sent to the configured server only; if \
             the other one is right, configure it as `http.endpoint`",
        );
    }
    attempt.follow()
}

/// Returns the pause that `Retry-After` requests, in seconds or as a date; zero if the header is missing or
/// invalid.
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

/// Returns the time until `date`; `None` if it is past or is not a date.
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
        // The pause is shorter than 120 s, because the date has whole seconds and because time passes during the
        // test.
        let soon = pause(&fmt_http_date(SystemTime::now() + seconds(120)));
        assert!((seconds(110)..=seconds(120)).contains(&soon), "{soon:?}");
    }
}
