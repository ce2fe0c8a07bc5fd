//! Pictures of waits: how many of the admitted waited how long.

use core::fmt::Write;
use core::time::Duration;

use plotters::chart::ChartBuilder;
use plotters::element::Rectangle;
use plotters::prelude::{Color, IntoDrawingArea, RGBColor, SVGBackend, WHITE};

use super::text::span;

/// How many bars the pictures have.
const TEXT_BARS: u32 = 16;
const SVG_BARS: u32 = 60;
/// The longest bar, in characters.
const WIDTH: u32 = 50;
const SVG_SIZE: (u32, u32) = (900, 420);
const SEA: RGBColor = RGBColor(20, 110, 130);

/// How many waits fall into each of so many equal spans, and how long a span is in milliseconds.
fn bars(waits: &[u32], count: u32) -> (Vec<u32>, u32) {
    let longest = waits.iter().max().copied().unwrap_or(0);
    let width = longest.checked_div(count).unwrap_or(0).saturating_add(1);
    let slots = usize::try_from(count).unwrap_or(0);
    let mut bars = vec![0_u32; slots];
    for wait in waits {
        let at = usize::try_from(wait.checked_div(width).unwrap_or(0)).unwrap_or(0);
        if let Some(bar) = bars.get_mut(at) {
            *bar = bar.saturating_add(1);
        }
    }
    (bars, width)
}

/// The picture as text, a line a bar.
pub fn text(waits: &[u32]) -> String {
    let (bars, width) = bars(waits, TEXT_BARS);
    let most = u64::from(bars.iter().max().copied().unwrap_or(0));
    let mut text = String::new();
    for (at, bar) in (1_u32..).zip(bars) {
        let length = u64::from(bar)
            .saturating_mul(WIDTH.into())
            .checked_div(most)
            .and_then(|length| usize::try_from(length).ok())
            .unwrap_or(0);
        let until = span(Duration::from_millis(
            u64::from(width).saturating_mul(at.into()),
        ));
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  to {until:>12}  {:<50}  {bar}", "█".repeat(length));
    }
    text
}

/// The picture as SVG.
pub fn svg(waits: &[u32]) -> Result<String, String> {
    let mut svg = String::new();
    draw(&mut svg, waits).map_err(|error| error.to_string())?;
    Ok(svg)
}

fn draw(svg: &mut String, waits: &[u32]) -> Result<(), Box<dyn core::error::Error>> {
    let (bars, width) = bars(waits, SVG_BARS);
    let most = bars.iter().max().copied().unwrap_or(0).max(1);
    let minutes = |bars: u32| f64::from(width) * f64::from(bars) / 60_000.0;
    let area = SVGBackend::with_string(svg, SVG_SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .caption("Waits of the admitted", ("sans-serif", 22))
        .margin(16)
        .x_label_area_size(44)
        .y_label_area_size(70)
        .build_cartesian_2d(0.0..minutes(SVG_BARS), 0..most)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .x_desc("minutes from entering to the admission")
        .y_desc("shoppers")
        .draw()?;
    let rectangles = (0_u32..).zip(bars).map(|(at, bar)| {
        let right = minutes(at.saturating_add(1));
        Rectangle::new([(minutes(at), 0), (right, bar)], SEA.filled())
    });
    chart.draw_series(rectangles)?;
    area.present()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wait_is_in_one_bar() {
        let waits: Vec<u32> = (0..1_000).map(|wait| wait * 37).collect();
        for count in [TEXT_BARS, SVG_BARS] {
            assert_eq!(bars(&waits, count).0.iter().sum::<u32>(), 1_000);
        }
        assert_eq!(bars(&[], 3), (vec![0, 0, 0], 1));
    }

    #[test]
    fn both_pictures_show_bars() {
        let waits = [1_000, 2_000, 2_000, 60_000];
        assert!(text(&waits).contains(&"█".repeat(50)));
        let svg = svg(&waits).unwrap();
        assert!(svg.starts_with("<svg") && svg.contains("minutes from entering"));
        assert!(svg.matches("<rect").count() > 3);
    }
}
