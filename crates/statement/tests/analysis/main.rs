//! What analysis says of single statements.
#[cfg(test)]
mod bounds;
#[cfg(test)]
mod show;

#[cfg(test)]
mod tests {
    use crate::show::show;
    #[test]
    fn probe() {
        let Ok(path) = std::env::var("PROBE") else {
            return;
        };
        for text in std::fs::read_to_string(path).unwrap().split("\n--\n") {
            println!("### {text}\n{}", show(text));
        }
    }
}
