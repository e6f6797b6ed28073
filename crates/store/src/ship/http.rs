//! Batches as POST requests over HTTP/1.1.

use std::time::Duration;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue, USER_AGENT};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;

use super::Remote;
use super::connect::connect;
use super::sink::Failure;

/// For a request to be answered.
const PATIENCE: Duration = Duration::from_secs(30);
/// Most bytes of an answer that are read.
const ANSWER_BYTES: usize = 64 << 10;

/// A server that takes POST requests.
pub(super) struct Http {
    remote: Remote,
    open: Option<(SendRequest<Full<Bytes>>, Option<HeaderValue>)>,
}

impl Http {
    pub(super) fn new(remote: &Remote) -> Http {
        Http {
            remote: remote.clone(),
            open: None,
        }
    }

    /// Sends one request to the path of the endpoint.
    pub(super) async fn post(
        &mut self,
        content: &'static str,
        body: Vec<u8>,
    ) -> Result<Bytes, Failure> {
        let path = match self.remote.endpoint.path.as_str() {
            "" => "/".to_owned(),
            path => path.to_owned(),
        };
        self.post_to(&path, content, body).await
    }

    /// Sends one request and gives the body of its answer.
    pub(super) async fn post_to(
        &mut self,
        path: &str,
        content: &'static str,
        body: Vec<u8>,
    ) -> Result<Bytes, Failure> {
        match tokio::time::timeout(PATIENCE, self.exchange(path, content, body)).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(failure)) => {
                self.open = None;
                Err(failure)
            }
            Err(_) => {
                self.open = None;
                Err(Failure::down(format!(
                    "{} does not answer",
                    self.remote.endpoint
                )))
            }
        }
    }

    async fn exchange(
        &mut self,
        path: &str,
        content: &'static str,
        body: Vec<u8>,
    ) -> Result<Bytes, Failure> {
        let endpoint = &self.remote.endpoint;
        let failed = |what: &dyn std::fmt::Display| Failure::down(format!("{endpoint}: {what}"));
        let (sender, token) = match &mut self.open {
            Some(open) if !open.0.is_closed() => open,
            closed => closed.insert(dial(&self.remote).await.map_err(Failure::Down)?),
        };
        let mut request = Request::post(path)
            .header(HOST, endpoint.authority())
            .header(USER_AGENT, concat!("weir/", env!("CARGO_PKG_VERSION")))
            .header(CONTENT_TYPE, content);
        if let Some(token) = token {
            request = request.header(AUTHORIZATION, token.clone());
        }
        let request = request
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| failed(&error))?;
        sender.ready().await.map_err(|error| failed(&error))?;
        let answer = sender
            .send_request(request)
            .await
            .map_err(|error| failed(&error))?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), ANSWER_BYTES)
            .collect()
            .await;
        if status.is_success() {
            // What it says is taken is taken, whatever else it says.
            return Ok(body
                .map(http_body_util::Collected::to_bytes)
                .unwrap_or_default());
        }
        let what = format!("{endpoint} answers {status}");
        Err(match status {
            StatusCode::PAYLOAD_TOO_LARGE => Failure::TooLarge(what),
            _ => Failure::Down(what),
        })
    }
}

async fn dial(remote: &Remote) -> Result<(SendRequest<Full<Bytes>>, Option<HeaderValue>), String> {
    let token = match &remote.token {
        None => None,
        Some(token) => {
            let token = (token.0)()?;
            let mut value = HeaderValue::try_from(format!("Bearer {}", token.trim()))
                .map_err(|_| "the token has bytes that no header may have".to_owned())?;
            value.set_sensitive(true);
            Some(value)
        }
    };
    let stream = connect(remote).await?;
    let (sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| format!("{}: {error}", remote.endpoint))?;
    // Its faults are those of the requests on it.
    tokio::spawn(async move { drop(connection.await) });
    Ok((sender, token))
}
