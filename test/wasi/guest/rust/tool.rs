// What Rust programs do: arguments, environment, files, directories, standard input, exit
// codes, panics.

use std::env;
use std::fs;
use std::io::{self, Read, Write};
use std::process;

fn main() -> io::Result<()> {
    let args: Vec<String> = env::args().collect();
    match args.get(1).map(String::as_str) {
        Some("hello") => println!("hello from Rust, {:?}, GREETING={}", &args[2..], env::var("GREETING").unwrap_or_default()),
        Some("upper") => {
            let mut text = String::new();
            io::stdin().read_to_string(&mut text)?;
            io::stdout().write_all(text.to_uppercase().as_bytes())?;
        }
        Some("list") => {
            let mut names: Vec<_> = fs::read_dir(&args[2])?.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
            names.sort();
            println!("{}", names.join(" "));
        }
        Some("write") => {
            fs::create_dir_all("rust/sub")?;
            fs::write("rust/sub/file", "text")?;
            fs::rename("rust/sub/file", "rust/moved")?;
            let size = fs::metadata("rust/moved")?.len();
            println!("{} {}", fs::read_to_string("rust/moved")?, size);
            println!("{:?}", fs::File::open("rust/none").map_err(|e| e.kind()).err());
            fs::remove_dir_all("rust")?;
        }
        Some("cat") => io::stdout().write_all(&fs::read(&args[2])?)?,
        Some("exit") => process::exit(args[2].parse().unwrap()),
        Some("panic") => panic!("on purpose"),
        Some("error") => return Err(io::Error::new(io::ErrorKind::Other, "on purpose")),
        _ => process::exit(2),
    }
    Ok(())
}
