//! Requests to the endpoint: how they are made, which answers are good, and what is done about the others.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{HeaderMap, RETRY_AFTER, TRANSFER_ENCODING};
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Client, Response, StatusCode};
use rustls::ClientConfig;
use rustls_platform_verifier::BuilderVerifierExt;

use crate::config::Config;
use crate::error::SourceError;
use crate::supervisor::Failure;

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
            .tls_backend_preconfigured(tls().map_err(setup)?)
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
        let reason = self.config.censor.strike(&explain(&error.without_url()));
        if is_refusal {
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

/// TLS as the operating system's certificates have it.
pub(crate) fn tls() -> Result<ClientConfig, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(BuilderVerifierExt::with_platform_verifier)
        .map_err(|error| error.to_string())?;
    Ok(builder.with_no_client_auth())
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

fn retry_after(headers: &HeaderMap) -> Duration {
    let seconds = headers
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok()?.trim().parse().ok());
    seconds
        .map_or(Duration::ZERO, Duration::from_secs)
        .min(RETRY_AFTER_MAX)
}
