//! Does one of the core's operations so many times: `bench-micro NAME TIMES`. Without a name it lists them, a
//! name and what it is on each line.

use ap_bench::{Failure, micro};

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [name, times] = arguments.as_slice() else {
        for (name, about) in micro::ALL {
            println!("{name}\t{about}");
        }
        return Ok(());
    };
    let mut operation = micro::operation(name)?;
    for _ in 0..times.parse::<usize>()? {
        operation()?;
    }
    Ok(())
}
