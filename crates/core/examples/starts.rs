//! Prints the starts of schedules, for comparisons with other implementations of cron: reads lines `ZONE|SCHEDULE|FROM`, and
//! prints for each the next three starts after `FROM` and the last one before it, or `never`.

#![expect(clippy::print_stdout, reason = "it is what the example is for")]

use std::io::{BufRead, stdin};

use jiff::{Timestamp, tz::TimeZone};
use subaccountd_core::Schedule;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for line in stdin().lock().lines() {
        let line = line?;
        let parts: Vec<_> = line.split('|').collect();
        let [zone, text, from] = parts[..] else { return Err(format!("not a line: {line}").into()) };
        let from: Timestamp = from.parse()?;
        let schedule = Schedule::new(text, TimeZone::get(zone)?)?;
        if schedule.never_comes() {
            println!("never");
            continue;
        }
        let starts = std::iter::successors(schedule.next(from), |start| schedule.next(*start)).take(3);
        let starts: Vec<_> = starts.chain(schedule.last(from)).map(|start| start.to_string()).collect();
        println!("{}", starts.join(" "));
    }
    Ok(())
}
