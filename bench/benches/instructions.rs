//! One hot path, gone as often as is said: `instructions PATH TIMES`. `cargo xtask instructions` counts what it takes.

use bench::hot_path::HotPath;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [name, times] = arguments.as_slice() else {
        // `cargo bench` gives an argument of its own.
        return println!("measured by `cargo xtask instructions`");
    };
    let path = HotPath::ALL.into_iter().find(|path| path.name() == name).expect("a path of this name");
    println!("{}", path.go(times.parse().expect("a number of times")));
}
