//! Speed of the scanner: `cargo run --release -p mask --example scan_bench`. The aim is 150 MB/s on ordinary text.

use std::hint::black_box;
use std::time::Instant;

const ROUNDS: usize = 7;
const BYTES: usize = 4 << 20;

const PROSE: &str = "The committee met in the afternoon and agreed that the proposal should be read again before the summer. \
    Most of the work had been done by then, although nobody could say how long the rest would take. After a short walk \
    along the river they went back to the office, where the report was still lying on the table. In March the numbers had \
    looked better; by June it was clear that the plan had to change. She said so in a letter, which was never answered. ";
const LOG: &str = "2026-03-14T09:26:53.589Z INFO request finished method=GET path=/api/v1/items/8841 status=200 duration_ms=12 \
    trace=4bf92f3577b34da6a3ce929d0e0e4736 host=web-07.prod.internal\n";
const GERMAN: &str = "Der Ausschuss hat am Nachmittag beschlossen, dass der Vorschlag vor dem Sommer noch einmal gelesen wird. Die \
    meiste Arbeit war bis dahin getan, aber niemand konnte sagen, wie lange der Rest dauern würde. Nach einem kurzen Weg \
    am Fluss gingen alle zurück in das Büro, wo der Bericht noch auf dem Tisch lag. ";
const CHAT: &str = "Hi, this is Anna Miller, please call me on +49 30 901820 or write to anna.miller@example.org. My order 10442 \
    is late again and nobody answers. Regards, Anna\n";

fn main() {
    for (name, text) in [
        ("prose", PROSE),
        ("German", GERMAN),
        ("logs", LOG),
        ("chat", CHAT),
    ] {
        let text: String = text.chars().cycle().take(BYTES).collect();
        // As cells come: a few kilobytes each.
        let cells: Vec<&str> = text
            .as_bytes()
            .chunks(2048)
            .filter_map(|chunk| std::str::from_utf8(chunk).ok())
            .collect();
        let bytes: usize = cells.iter().map(|cell| cell.len()).sum();
        let mut rates: Vec<f64> = Vec::with_capacity(ROUNDS);
        let mut spans = 0;
        for _ in 0..ROUNDS {
            let begun = Instant::now();
            spans = cells
                .iter()
                .map(|cell| mask::detect::scan(black_box(cell)).len())
                .sum();
            #[expect(clippy::cast_precision_loss, reason = "megabytes")]
            rates.push(bytes as f64 / begun.elapsed().as_secs_f64() / 1e6);
        }
        rates.sort_by(f64::total_cmp);
        let median = rates.get(ROUNDS / 2).copied().unwrap_or_default();
        println!("{median:>6.0} MB/s  {name:<7} {spans} spans in {bytes} bytes");
    }
}
