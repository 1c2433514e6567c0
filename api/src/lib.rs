//! The admin API over HTTP, webhook intake and the console.
