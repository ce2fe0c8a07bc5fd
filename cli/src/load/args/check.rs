//! Which options make no sense together.

use super::LoadArgs;
use crate::failure::Failure;

impl LoadArgs {
    /// Refuses what the options allow one by one but not together.
    pub fn check(&self) -> Result<(), Failure> {
        if self.shoppers == 0 && self.sockets == 0 && !self.ramp {
            return Err(Failure::usage("there is nothing to do")
                .remedy("give --shoppers, --sockets or --ramp"));
        }
        if let Some((option, lacks)) = self.without_effect() {
            return Err(
                Failure::usage(format!("{option} has no effect without {lacks}"))
                    .remedy(format!("leave {option} out, or give --{lacks}")),
            );
        }
        if self.timeout.is_zero() {
            return Err(Failure::usage("--timeout 0 leaves no time for any answer"));
        }
        if self.ramp && self.duration().is_zero() {
            return Err(Failure::usage("--duration 0 leaves a ramp's steps no time"));
        }
        if self.ramp && self.rps.is_some_and(|rate| rate > self.max_rps) {
            return Err(Failure::usage(
                "--rps, where the ramp begins, is above --max-rps",
            ));
        }
        Ok(())
    }

    /// An option that was given and changes nothing, and what it would need. Somebody who gives it
    /// expects something of it.
    fn without_effect(&self) -> Option<(&'static str, &'static str)> {
        let pushes = ("--push-p99", self.push_p99.is_some());
        let of_shoppers = [
            ("--duration", self.duration.is_some()),
            ("--rps", self.rps.is_some()),
            ("--concurrency", self.concurrency.is_some()),
            ("--drain", self.drain.is_some()),
            ("--checkout", self.checkout.is_some()),
            ("--page", self.page.is_some()),
            ("--p95", self.p95.is_some()),
            ("--p99", self.p99.is_some()),
        ];
        let of_sockets = [
            ("--notices", self.notices.is_some()),
            ("--changes-per-second", self.changes_per_second.is_some()),
            ("--connect-p99", self.connect_p99.is_some()),
            pushes,
        ];
        let nobody = self.shoppers == 0 && !self.ramp;
        [
            (nobody, "shoppers", &of_shoppers[..]),
            (self.sockets == 0, "sockets", &of_sockets),
            (!self.speaks(), "notices", &[pushes]),
        ]
        .into_iter()
        .filter(|(lacking, ..)| *lacking)
        .find_map(|(_, lacks, options)| {
            let (option, _) = options.iter().find(|(_, given)| *given)?;
            Some((*option, lacks))
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::load::args::tests::parse;

    #[test]
    fn words_that_contradict_each_other_are_refused() {
        for bad in [
            &["--ramp", "--sockets", "5"][..],
            &["--ramp", "--shoppers", "5"],
            &["--ramp", "--drain", "5s"],
            &["--ramp", "--notices", "5"],
            &["--ramp", "--changes-per-second", "5"],
            &["--ramp", "--changes-seconds", "5"],
            &["--ramp", "--connect-p99", "5s"],
            &["--ramp", "--push-p99", "5s"],
            &["--max-rps", "5"],
            &["--notices", "5"],
            &["--changes-seconds", "5"],
            &["--queue", "demo", "--set", "maxActive=5"],
            &["--queue", "Not An Id"],
            &["--page", "products"],
            &["--page", "//elsewhere.example"],
            &["--concurrency", "0"],
            &["--rps", "0"],
            &["--admin-key", "secret"],
        ] {
            assert_eq!(parse(bad).unwrap_err().exit_code(), 2, "{bad:?}");
        }
    }

    #[test]
    fn words_that_would_change_nothing_are_refused_by_name() {
        const ONLY_SOCKETS: &[&str] = &["--shoppers", "0", "--sockets", "5"];
        const ONLY_SHOPPERS: &[&str] = &["--sockets", "0"];
        const SHARED: &[&str] = &["--queue", "lamp", "--sockets", "5"];
        for (words, option, value) in [
            (ONLY_SOCKETS, "--duration", "5s"),
            (ONLY_SOCKETS, "--rps", "5"),
            (ONLY_SOCKETS, "--concurrency", "5"),
            (ONLY_SOCKETS, "--drain", "5s"),
            (ONLY_SOCKETS, "--checkout", "5s"),
            (ONLY_SOCKETS, "--page", "/lamp"),
            (ONLY_SOCKETS, "--p95", "5s"),
            (ONLY_SOCKETS, "--p99", "5s"),
            (ONLY_SHOPPERS, "--notices", "5"),
            (ONLY_SHOPPERS, "--changes-per-second", "5"),
            (ONLY_SHOPPERS, "--connect-p99", "5s"),
            (ONLY_SHOPPERS, "--push-p99", "5s"),
            (SHARED, "--push-p99", "5s"),
        ] {
            assert!(parse(words).unwrap().check().is_ok(), "{words:?}");
            let failure = parse(&[words, &[option, value]].concat())
                .unwrap()
                .check()
                .unwrap_err();
            let message = failure.message();
            assert!(
                message.starts_with(&format!("{option} has no effect")),
                "{message}"
            );
        }
        let heard = [SHARED, &["--notices", "1", "--push-p99", "5s"]].concat();
        assert!(parse(&heard).unwrap().check().is_ok());
    }

    #[test]
    fn words_that_leave_nothing_to_do_are_refused() {
        for bad in [
            &["--shoppers", "0"][..],
            &["--timeout", "0"],
            &["--ramp", "--duration", "0"],
            &["--ramp", "--rps", "30000"],
        ] {
            assert!(parse(bad).unwrap().check().is_err(), "{bad:?}");
        }
    }
}
