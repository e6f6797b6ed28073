//! `/healthz` and `/readyz`, for orchestrators and load balancers.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Json;
use axum::routing::get;
use serde_json::{Value, json};
use store::Store;
use tokio::net::TcpListener;

use crate::{Error, Gateway};

/// Serves until the process ends; gives the address bound.
///
/// # Errors
/// The address cannot be bound.
pub async fn serve_admin(
    address: SocketAddr,
    gateway: Gateway,
    store: Arc<Store>,
) -> Result<SocketAddr, Error> {
    let listener = TcpListener::bind(address)
        .await
        .map_err(|source| Error::Listen { address, source })?;
    let bound = listener
        .local_addr()
        .map_err(|source| Error::Listen { address, source })?;
    let router = Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .with_state((gateway, store));
    tokio::spawn(async move {
        let _ = axum::serve(listener, router).await;
    });
    Ok(bound)
}

/// 200 when every target can be judged and the ledger takes entries.
async fn ready(State((gateway, store)): State<(Gateway, Arc<Store>)>) -> (StatusCode, Json<Value>) {
    let mut troubles = gateway.troubles();
    match store.health().state {
        store::State::Ready => {}
        store::State::Restricted(why) | store::State::Failed(why) => {
            troubles.push(format!("ledger: {why}"))
        }
    }
    let (loaded, targets) = gateway.loaded();
    let ready = troubles.is_empty() && loaded == targets;
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let body = json!({
        "ready": ready,
        "targets": { "loaded": loaded, "configured": targets },
        "sessions": gateway.sessions(),
        "troubles": troubles,
    });
    (status, Json(body))
}
