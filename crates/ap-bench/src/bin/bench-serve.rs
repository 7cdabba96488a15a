//! Serves until its input ends. Its first line of output says where.

use ap_bench::Failure;
use ap_bench::server::Server;

fn main() -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let server = Server::listen().await?;
        println!(
            "{}",
            serde_json::json!({
                "http": server.http, "https": server.https, "root_pem": server.root_pem
            })
        );
        let (stop, stopped) = tokio::sync::oneshot::channel();
        std::thread::spawn(move || {
            let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
            let _ = stop.send(());
        });
        tokio::select! {
            () = server.serve() => {}
            _ = stopped => {}
        }
        Ok(())
    })
}
