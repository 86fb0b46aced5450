//! One hot path, gone as often as is said: `instructions PATH TIMES`; `instructions paths` names them. `cargo xtask instructions`
//! counts what each takes.

use bench::hot_path::HotPath;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (name, times) = match arguments.as_slice() {
        [name, times] => (name, times),
        [asked] if asked == "paths" => {
            return HotPath::ALL.iter().for_each(|path| println!("{}", path.name()));
        }
        // `cargo bench` gives an argument of its own.
        _ => return println!("measured by `cargo xtask instructions`"),
    };
    let path = HotPath::ALL.into_iter().find(|path| path.name() == name).expect("a path of this name");
    println!("{}", path.go(times.parse().expect("a number of times")));
}
