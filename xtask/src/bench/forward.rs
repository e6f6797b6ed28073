//! A byte forwarder: what any proxy costs that looks at nothing. One thread, 64 KiB buffers.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use tempfile::TempDir;
use tokio::io::copy_bidirectional_with_sizes;
use tokio::net::{TcpListener, TcpStream};

use crate::lab::process::{Guarded, Spec, free_port};

/// Bytes of each direction's buffer.
const BUFFER_BYTES: usize = 64 * 1024;

/// Starts a forwarder to this loopback port as a process of its own; gives its port and the folder of its log.
///
/// # Errors
/// When it cannot be started.
pub(super) fn start(to: u16) -> Result<(Guarded, u16, TempDir)> {
    let folder = tempfile::tempdir()?;
    let port = free_port()?;
    let own = std::env::current_exe().context("where am I")?;
    let process = Guarded::spawn(&Spec {
        command: vec![
            own.display().to_string(),
            "forward".to_owned(),
            port.to_string(),
            to.to_string(),
        ],
        environment: Vec::new(),
        folder: folder.path().to_path_buf(),
        log: folder.path().join("log"),
        account: None,
        sweep: None,
        stop_signal: "TERM",
    })?;
    Ok((process, port, folder))
}

/// Forwards every connection on a loopback port to another, for ever.
///
/// # Errors
/// When the port cannot be listened on.
pub fn run(listen: u16, to: u16) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], listen))).await?;
        loop {
            let (mut client, _) = listener.accept().await?;
            tokio::spawn(async move {
                let Ok(mut server) =
                    TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], to))).await
                else {
                    return;
                };
                let _ = client.set_nodelay(true);
                let _ = server.set_nodelay(true);
                // How a connection ended is its two ends' affair.
                let _ = copy_bidirectional_with_sizes(
                    &mut client,
                    &mut server,
                    BUFFER_BYTES,
                    BUFFER_BYTES,
                )
                .await;
            });
        }
    })
}
