//! A byte forwarder: what any proxy costs that looks at nothing. One thread, 64 KiB buffers.

use std::net::SocketAddr;

use anyhow::Result;
use tokio::io::copy_bidirectional_with_sizes;
use tokio::net::{TcpListener, TcpStream};

/// Bytes of each direction's buffer.
const BUFFER_BYTES: usize = 64 * 1024;

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
