//! Reads pages as fast as the HTTP client alone can, and throws them away: how far a bench can come.
//!     bare URL PAGES      asks for URL + 1, URL + 2, …

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(url), Some(pages)) = (arguments.next(), arguments.next()) else { return Err("bare URL PAGES".into()) };
    // Nobody can have installed one before.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::new();
    for page in 1..=pages.parse::<u32>()? {
        client.get(format!("{url}{page}")).bearer_auth("key").send().await?.error_for_status()?.bytes().await?;
    }
    Ok(())
}
