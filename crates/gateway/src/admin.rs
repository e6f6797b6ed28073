//! `/healthz` and `/readyz`, for orchestrators and load balancers; `/metrics`, for Prometheus.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderName, StatusCode};
use axum::response::Json;
use axum::routing::get;
use serde_json::{Value, json};
use store::Store;
use store::ship::Status;
use tokio::net::TcpListener;

use crate::{Error, Gateway};

/// What the operators' pages are about.
struct Admin {
    gateway: Gateway,
    store: Arc<Store>,
    outputs: Vec<Arc<Status>>,
}

/// Serves until the process ends; gives the address bound.
///
/// # Errors
/// The address cannot be bound.
pub async fn serve_admin(
    address: SocketAddr,
    gateway: Gateway,
    store: Arc<Store>,
    outputs: Vec<Arc<Status>>,
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
        .route("/metrics", get(metrics))
        .with_state(Arc::new(Admin {
            gateway,
            store,
            outputs,
        }));
    tokio::spawn(async move {
        let _ = axum::serve(listener, router).await;
    });
    Ok(bound)
}

/// Everything measured, in the text format of Prometheus.
async fn metrics(State(admin): State<Arc<Admin>>) -> ([(HeaderName, &'static str); 1], String) {
    let form = "text/plain; version=0.0.4; charset=utf-8";
    (
        [(CONTENT_TYPE, form)],
        admin.gateway.metrics(&admin.outputs),
    )
}

/// 200 when every target can be judged and the ledger takes entries. An output that is
/// down is told, and keeps nothing from being served.
async fn ready(State(admin): State<Arc<Admin>>) -> (StatusCode, Json<Value>) {
    let gateway = &admin.gateway;
    let mut troubles = gateway.troubles();
    let health = admin.store.health();
    let durable = health.durable;
    match health.state {
        store::State::Ready => {}
        store::State::Restricted(why) | store::State::Failed(why) => {
            troubles.push(format!("ledger: {why}"))
        }
    }
    let outputs: Vec<Value> = admin
        .outputs
        .iter()
        .map(|output| {
            let trouble = output.trouble();
            json!({
                "name": output.name(),
                "up": trouble.is_none(),
                "entries_behind": durable.0.saturating_sub(output.next().0),
                "trouble": trouble,
            })
        })
        .collect();
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
        "outputs": outputs,
    });
    (status, Json(body))
}
