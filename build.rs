//! Puts the catalog into the binary: every folder of `connectors/catalog` with its files, so that a connector is one folder and
//! no list has to be kept.

use std::{env, error::Error, fmt::Write as _, fs, path::Path};

fn main() -> Result<(), Box<dyn Error>> {
    let root = env::var("CARGO_MANIFEST_DIR")?;
    let catalog = Path::new(&root).join("connectors/catalog");
    println!("cargo::rerun-if-changed={}", catalog.display());
    let mut code = String::from(
        "/// Connector name, then the name and text of each of its files.\npub static BUILT_IN: &[(&str, &[(&str, &str)])] = &[\n",
    );
    for folder in sorted(&catalog)?.into_iter().filter(|path| path.is_dir()) {
        println!("cargo::rerun-if-changed={}", folder.display());
        let name = folder.file_name().and_then(|name| name.to_str()).ok_or("a connector's folder has no name")?;
        writeln!(code, "    ({name:?}, &[")?;
        for file in sorted(&folder)?.into_iter().filter(|path| path.is_file()) {
            println!("cargo::rerun-if-changed={}", file.display());
            let file_name = file.file_name().and_then(|name| name.to_str()).ok_or("a file has no name")?;
            writeln!(code, "        ({file_name:?}, include_str!({:?})),", file.display().to_string())?;
        }
        writeln!(code, "    ]),")?;
    }
    code.push_str("];\n");
    fs::write(Path::new(&env::var("OUT_DIR")?).join("catalog.rs"), code)?;
    Ok(())
}

fn sorted(folder: &Path) -> Result<Vec<std::path::PathBuf>, Box<dyn Error>> {
    let mut paths = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>, std::io::Error>>()?;
    paths.sort();
    Ok(paths)
}
