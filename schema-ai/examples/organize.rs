//! Runs the organizer on folders and files alone: `organize plan DIR`, `organize match A B`, `organize resolve A [B] --id FIELD`.

use std::io::Write as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).skip_while(|word| word == "organize").collect();
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let done = schema_ai::organize::cli::run(&arguments, &mut out).and_then(|()| Ok(out.flush()?));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(refused) => {
            let _ = writeln!(std::io::stderr(), "{refused}");
            ExitCode::FAILURE
        }
    }
}
