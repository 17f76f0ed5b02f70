//! The shipped configuration is compiled in: a file that is added to it must lead to a new build, too.

fn main() {
    println!("cargo:rerun-if-changed=config");
}
