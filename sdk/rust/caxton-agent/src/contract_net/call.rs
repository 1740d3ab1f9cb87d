//! The initiator's side: one call, from the first CFP to the last answer.

use super::{because, is_from, reject_late, CONTRACT_NET, ITERATED_CONTRACT_NET, PLATFORM};
use crate::envelope::{Draft, Message};
use crate::outbox::Outbox;
use crate::performative::Performative;
use crate::value::Value;

const BETTER: &str = "another proposal is better";
const SETTLED: &str = "the work is settled";
const UNJUDGED: &str = "the terms lack what the proposal is judged by";

/// Where one contractor stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It was called and has not answered.
    Called,
    /// Its proposal counts.
    Proposed,
    /// It does the work.
    Accepted,
    /// It has done the work: what it said is the result.
    Done,
    /// It does not want to.
    Refused,
    /// It did not understand.
    NotUnderstood,
    /// Its proposal was rejected.
    Rejected,
    /// It did not propose in time.
    Silent,
    /// It did not do the work in time, and was told to stop.
    Overdue,
    /// It is gone, could not be reached, or said that it failed.
    Failed,
    /// It was called off.
    Cancelled,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// As many have done the work as were wanted.
    Done,
    /// Some have done it, fewer than were wanted.
    PartlyDone,
    /// Whoever got the work has failed, and there was nobody else.
    Failed,
    /// Nobody made a proposal that could be judged.
    NoProposals,
    /// It was called off.
    Cancelled,
}

/// What there is to do after a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Nothing: somebody will answer, or the platform for him.
    Open,
    /// All have answered and there may be another round: [`Call::ask`] again, or [`Call::award`].
    Bids,
    /// It is over; everybody has been answered, and nothing more comes but what [`reject_late`] is for.
    Over(Ending),
}

/// One who was called.
#[derive(Clone, Debug)]
pub struct Contractor {
    /// The address called; once it has proposed, the very agent that did.
    pub address: String,
    /// Where it stands.
    pub standing: Standing,
    /// What it proposed in the last round; nil when it did not.
    pub terms: Value,
    /// What it said last, or the platform about it; nil when nothing was said.
    pub said: Value,
    cost: f64,
    reply_with: Option<String>,
    reply_to: Option<String>,
}

impl Contractor {
    fn new(address: String) -> Self {
        Contractor {
            address,
            standing: Standing::Called,
            terms: Value::Nil,
            said: Value::Nil,
            cost: 0.0,
            reply_with: None,
            reply_to: None,
        }
    }

    fn is_open(&self) -> bool {
        matches!(self.standing, Standing::Called | Standing::Proposed | Standing::Accepted)
    }
}

/// A negotiation with many contractors, seen by its initiator.
///
/// Whose proposal costs least gets the work. The others are kept open until the work is done: when the winner fails,
/// the next best follows it.
pub struct Call {
    /// The conversation that everything of this call belongs to.
    pub conversation: String,
    contractors: Vec<Contractor>,
    /// Those whose proposals count in this round, in the order in which they came.
    bids: Vec<usize>,
    cost: Box<dyn Fn(&Value) -> Option<f64>>,
    bid_ms: u64,
    work_ms: u64,
    rounds_max: usize,
    winners: usize,
    has_reserves: bool,
    round: usize,
    is_awarded: bool,
}

impl Call {
    /// Prepare a call; [`Call::ask`] begins it.
    ///
    /// `conversation` must be this call's own (`host::unique`). `cost` reads from a proposal's terms how dear it is. A
    /// proposal for which it has no answer cannot be judged and is rejected at once; of equal ones the first wins.
    pub fn new(
        conversation: &str,
        contractors: Vec<String>,
        cost: impl Fn(&Value) -> Option<f64> + 'static,
    ) -> Self {
        Call {
            conversation: conversation.to_owned(),
            contractors: contractors.into_iter().map(Contractor::new).collect(),
            bids: Vec::new(),
            cost: Box::new(cost),
            bid_ms: 5_000,
            work_ms: 30_000,
            rounds_max: 1,
            winners: 1,
            has_reserves: true,
            round: 0,
            is_awarded: false,
        }
    }

    /// Set how long contractors have to propose, and winners to work, milliseconds; 5 s and 30 s if left out.
    pub fn within(mut self, bid_ms: u64, work_ms: u64) -> Self {
        self.bid_ms = bid_ms;
        self.work_ms = work_ms;
        self
    }

    /// Set how many rounds there may be; with more than one the protocol is the iterated one.
    pub fn rounds(mut self, rounds_max: usize) -> Self {
        self.rounds_max = rounds_max;
        self
    }

    /// Set how many shall do the work.
    pub fn winners(mut self, winners: usize) -> Self {
        self.winners = winners.max(1);
        self
    }

    /// Reject the others as soon as somebody gets the work. Then nobody follows when that one fails.
    pub fn without_reserves(mut self) -> Self {
        self.has_reserves = false;
        self
    }

    /// All who were called, in that order.
    pub fn contractors(&self) -> &[Contractor] {
        &self.contractors
    }

    /// Those whose proposals count in this round, in the order in which they came.
    pub fn bids(&self) -> impl Iterator<Item = &Contractor> {
        self.bids.iter().map(move |index| &self.contractors[*index])
    }

    /// Those who stand so, in the order in which they were called: the results are what `Standing::Done` have said.
    pub fn all(&self, standing: Standing) -> impl Iterator<Item = &Contractor> {
        self.contractors.iter().filter(move |contractor| contractor.standing == standing)
    }

    /// Call for proposals: everybody at first, in a further round those whose proposals count.
    pub fn ask(&mut self, task: &Value, now_ms: u64, out: &mut Outbox) -> Progress {
        self.round += 1;
        self.bids.clear();
        for index in 0..self.contractors.len() {
            let contractor = &mut self.contractors[index];
            if self.round > 1 && contractor.standing != Standing::Proposed {
                continue;
            }
            contractor.standing = Standing::Called;
            contractor.terms = Value::Nil;
            let tag = self.call_tag(index);
            let call = self.tell(Performative::Cfp, index).reply_with(&tag);
            out.send(&call.reply_by(now_ms + self.bid_ms).json(task));
        }
        self.go_on(now_ms, out)
    }

    /// Give the work to the best.
    pub fn award(&mut self, now_ms: u64, out: &mut Outbox) -> Progress {
        self.is_awarded = true;
        self.go_on(now_ms, out)
    }

    /// Call it off: CANCEL to everybody who was called, has proposed or works.
    pub fn cancel(&mut self, out: &mut Outbox) -> Progress {
        for index in 0..self.contractors.len() {
            if self.contractors[index].is_open() {
                self.contractors[index].standing = Standing::Cancelled;
                out.send(&self.tell(Performative::Cancel, index));
            }
        }
        Progress::Over(Ending::Cancelled)
    }

    /// Take a message. What is not of this call, or comes from somebody who has nothing to say now, changes nothing;
    /// a proposal that came too late to count is rejected.
    pub fn take(&mut self, message: &Message<'_>, now_ms: u64, out: &mut Outbox) -> Progress {
        if message.conversation_id != Some(self.conversation.as_str()) {
            return Progress::Open;
        }
        let index = match self.find(message) {
            Some(index) => index,
            None => return self.turn_down(message, None, out),
        };
        let standing = match (self.contractors[index].standing, message.performative) {
            (Standing::Called, Performative::Propose) => match self.judge(index, message, out) {
                Some(standing) => standing,
                None => return Progress::Open,
            },
            (Standing::Called, Performative::Refuse) => Standing::Refused,
            (Standing::Called, Performative::NotUnderstood) => Standing::NotUnderstood,
            (Standing::Called, Performative::Failure) if is_timeout(message) => Standing::Silent,
            (Standing::Accepted, Performative::Inform) => Standing::Done,
            (Standing::Accepted, Performative::Failure) if is_timeout(message) => {
                out.send(&self.tell(Performative::Cancel, index));
                Standing::Overdue
            }
            (_, Performative::Failure | Performative::NotUnderstood) if self.contractors[index].is_open() => {
                Standing::Failed
            }
            _ => return self.turn_down(message, Some(index), out),
        };
        self.contractors[index].standing = standing;
        self.contractors[index].said = message.json();
        self.go_on(now_ms, out)
    }

    /// Who a message comes from, or whom the platform speaks about.
    fn find(&self, message: &Message<'_>) -> Option<usize> {
        let find = |sender: &str| self.contractors.iter().position(|one| is_from(&one.address, sender));
        match message.in_reply_to {
            _ if message.sender != PLATFORM => find(message.sender),
            // A deadline that passes may be one of a former round.
            Some(tag) => {
                let index = tag.rsplit('-').next()?.parse().ok()?;
                if self.tag(index)? == tag {
                    Some(index)
                } else {
                    None
                }
            }
            None => find(message.json().get("receiver").as_str()?),
        }
    }

    /// Judge a proposal; nothing when it answers the call of a former round.
    fn judge(&mut self, index: usize, message: &Message<'_>, out: &mut Outbox) -> Option<Standing> {
        if message.in_reply_to.map_or(false, |tag| tag != self.call_tag(index)) {
            return None;
        }
        let terms = message.json();
        let cost = (self.cost)(&terms).filter(|cost| !cost.is_nan());
        let contractor = &mut self.contractors[index];
        contractor.address = message.sender.to_owned();
        contractor.reply_with = message.reply_with.map(str::to_owned);
        contractor.reply_to = message.reply_to.map(str::to_owned);
        match cost {
            Some(cost) => {
                contractor.cost = cost;
                contractor.terms = terms;
                self.bids.push(index);
                Some(Standing::Proposed)
            }
            None => {
                self.reject(index, UNJUDGED, out);
                Some(Standing::Rejected)
            }
        }
    }

    /// Reject a proposal that came too late to count; those that count are answered when the work is settled.
    fn turn_down(&self, message: &Message<'_>, index: Option<usize>, out: &mut Outbox) -> Progress {
        let counts = index.map_or(false, |index| self.bids.contains(&index));
        if let (false, Some(answer)) = (counts, reject_late(message)) {
            out.send(&answer);
        }
        Progress::Open
    }

    fn go_on(&mut self, now_ms: u64, out: &mut Outbox) -> Progress {
        if self.all(Standing::Called).next().is_some() {
            return Progress::Open;
        }
        if !self.is_awarded {
            if self.all(Standing::Proposed).next().is_none() {
                return Progress::Over(Ending::NoProposals);
            }
            if self.round < self.rounds_max {
                return Progress::Bids;
            }
            self.is_awarded = true;
        }
        self.settle(now_ms, out)
    }

    /// Have as many at work as are wanted, as long as there are proposals; when nobody works any more, it is over.
    fn settle(&mut self, now_ms: u64, out: &mut Outbox) -> Progress {
        let done = self.all(Standing::Done).count();
        let mut working = self.all(Standing::Accepted).count();
        while done + working < self.winners {
            match self.best() {
                Some(index) => self.accept(index, now_ms, out),
                None => break,
            }
            working += 1;
        }
        if working == 0 || !self.has_reserves {
            self.reject_others(if working == 0 { SETTLED } else { BETTER }, out);
        }
        match done {
            _ if working > 0 => Progress::Open,
            0 => Progress::Over(Ending::Failed),
            _ if done < self.winners => Progress::Over(Ending::PartlyDone),
            _ => Progress::Over(Ending::Done),
        }
    }

    fn best(&self) -> Option<usize> {
        let mut best: Option<usize> = None;
        for index in &self.bids {
            let bid = &self.contractors[*index];
            let is_better = best.map_or(true, |best| bid.cost < self.contractors[best].cost);
            if bid.standing == Standing::Proposed && is_better {
                best = Some(*index);
            }
        }
        best
    }

    fn accept(&mut self, index: usize, now_ms: u64, out: &mut Outbox) {
        self.contractors[index].standing = Standing::Accepted;
        let tag = job_tag(index);
        let acceptance = self.answer(Performative::AcceptProposal, index).reply_with(&tag);
        out.send(&acceptance.reply_by(now_ms + self.work_ms).json(&self.contractors[index].terms));
    }

    fn reject_others(&mut self, reason: &str, out: &mut Outbox) {
        for index in 0..self.contractors.len() {
            if self.contractors[index].standing == Standing::Proposed {
                self.contractors[index].standing = Standing::Rejected;
                self.reject(index, reason, out);
            }
        }
    }

    fn reject(&self, index: usize, reason: &str, out: &mut Outbox) {
        out.send(&self.answer(Performative::RejectProposal, index).json(&because(reason)));
    }

    /// Start an answer to a contractor's proposal.
    fn answer(&self, performative: Performative, index: usize) -> Draft<'_> {
        let contractor = &self.contractors[index];
        let mut answer = self.tell(performative, index).in_reply_to(contractor.reply_with.as_deref());
        if let Some(reply_to) = &contractor.reply_to {
            answer.receiver = reply_to;
        }
        answer
    }

    /// Start a message to a contractor.
    fn tell(&self, performative: Performative, index: usize) -> Draft<'_> {
        Draft::new(performative, &self.contractors[index].address)
            .conversation(&self.conversation)
            .protocol(if self.rounds_max > 1 { ITERATED_CONTRACT_NET } else { CONTRACT_NET })
    }

    /// By what a contractor answers now, if an answer is awaited.
    fn tag(&self, index: usize) -> Option<String> {
        match self.contractors.get(index)?.standing {
            Standing::Called => Some(self.call_tag(index)),
            Standing::Accepted => Some(job_tag(index)),
            _ => None,
        }
    }

    fn call_tag(&self, index: usize) -> String {
        format!("bid-{}-{}", self.round, index)
    }
}

fn job_tag(index: usize) -> String {
    format!("job-{}", index)
}

fn is_timeout(message: &Message<'_>) -> bool {
    message.sender == PLATFORM && message.json().get("reason").as_str() == Some("timeout")
}

#[cfg(test)]
mod tests {
    use super::super::stamp;
    use super::*;

    const NOW: u64 = 1_000_000;

    /// A call to a, b and c (or fewer) under the id "net", and what it has sent at the last step.
    struct Table {
        call: Call,
        sent: Vec<String>,
    }

    impl Table {
        /// Ask everybody at once.
        fn laid(contractors: &str, change: impl Fn(Call) -> Call) -> Self {
            let names = contractors.split_whitespace().map(str::to_owned).collect();
            let call = Call::new("net", names, |terms| terms.get("price").as_f64());
            let mut table = Table { call: change(call), sent: Vec::new() };
            table.ask();
            table
        }

        fn ask(&mut self) -> Progress {
            self.step(|call, out| call.ask(&Value::Int(1), NOW, out))
        }

        fn step(&mut self, act: impl Fn(&mut Call, &mut Outbox) -> Progress) -> Progress {
            let mut out = Outbox::new();
            let progress = act(&mut self.call, &mut out);
            self.sent = out.frames().into_iter().map(show).collect();
            progress
        }

        /// Have a contractor say something, in answer to what it was asked.
        fn hear(&mut self, who: &str, act: Performative, tag: &str, content: &str) -> Progress {
            let mut draft = Draft::new(act, "buyer").conversation("net").content(content.as_bytes());
            if !tag.is_empty() {
                draft = draft.in_reply_to(Some(tag));
            }
            let frame = stamp(&draft, who);
            self.step(|call, out| call.take(&Message::parse(&frame).unwrap(), NOW, out))
        }

        fn bid(&mut self, who: &str, price: &str) -> Progress {
            self.hear(who, Performative::Propose, "", &format!("{{\"price\":{}}}", price))
        }

        fn time_out(&mut self, tag: &str) -> Progress {
            self.hear("ams", Performative::Failure, tag, r#"{"reason":"timeout"}"#)
        }

        fn standings(&self) -> Vec<Standing> {
            self.call.contractors().iter().map(|contractor| contractor.standing).collect()
        }
    }

    fn show(frame: &[u8]) -> String {
        let message = Message::parse(frame).unwrap();
        let tag = message.reply_with.map_or(String::new(), |tag| format!(" {}", tag));
        let outside = if message.protocol.is_none() { " outside" } else { "" };
        format!("{} {}{}{}", message.performative.word(), message.receiver, tag, outside)
    }

    fn plain(call: Call) -> Call {
        call
    }

    #[test]
    fn everybody_is_called_with_a_deadline_and_the_cheapest_gets_the_work() {
        let mut table = Table::laid("a b c", |call| call.within(2_000, 9_000));
        assert_eq!(table.sent, ["cfp a bid-1-0", "cfp b bid-1-1", "cfp c bid-1-2"]);
        assert_eq!(table.bid("c@n3", "20"), Progress::Open);
        assert_eq!(table.bid("a@n1", "30"), Progress::Open);
        assert_eq!(table.bid("b@n2", "10.5"), Progress::Open);
        assert_eq!(table.sent, ["accept-proposal b@n2 job-1"]);
        let done = table.hear("b@n2", Performative::Inform, "job-1", "\"wall\"");
        assert_eq!(done, Progress::Over(Ending::Done));
        assert_eq!(table.sent, ["reject-proposal a@n1", "reject-proposal c@n3"]);
        let results: Vec<_> = table.call.all(Standing::Done).map(|winner| winner.said.clone()).collect();
        assert_eq!(results, ["wall".into()]);
        let bidders: Vec<_> = table.call.bids().map(|bid| bid.address.as_str()).collect();
        assert_eq!(bidders, ["c@n3", "a@n1", "b@n2"]);
    }

    #[test]
    fn deadlines_travel_with_what_asks() {
        let mut call = Call::new("net", vec!["a".to_owned()], |_| Some(0.0)).within(2_000, 9_000);
        let mut out = Outbox::new();
        call.ask(&Value::Nil, NOW, &mut out);
        let proposal =
            Draft::new(Performative::Propose, "b").conversation("net").reply_with("p").reply_to("desk");
        call.take(&Message::parse(&stamp(&proposal, "a@n1")).unwrap(), NOW + 1, &mut out);
        let sent: Vec<_> = out.frames().into_iter().map(|frame| Message::parse(frame).unwrap()).collect();
        assert_eq!((sent[0].reply_by, sent[1].reply_by), (Some(NOW + 2_000), Some(NOW + 9_001)));
        assert_eq!((sent[1].receiver, sent[1].in_reply_to), ("desk", Some("p")));
        assert!(sent.iter().all(|message| message.protocol == Some(CONTRACT_NET)));
    }

    #[test]
    fn nobody_to_call_and_nobody_who_proposes_are_ends() {
        let mut call = Call::new("net", Vec::new(), |_| None);
        assert_eq!(call.ask(&Value::Nil, NOW, &mut Outbox::new()), Progress::Over(Ending::NoProposals));
        let mut table = Table::laid("a b c", plain);
        assert_eq!(table.hear("a", Performative::Refuse, "", "{}"), Progress::Open);
        assert_eq!(table.hear("b", Performative::NotUnderstood, "", "{}"), Progress::Open);
        assert_eq!(table.time_out("bid-1-2"), Progress::Over(Ending::NoProposals));
        assert_eq!(table.standings(), [Standing::Refused, Standing::NotUnderstood, Standing::Silent]);
    }

    #[test]
    fn a_proposal_that_cannot_be_judged_is_rejected_at_once() {
        let mut table = Table::laid("a b", plain);
        assert_eq!(table.bid("a@n1", "\"much\""), Progress::Open);
        assert_eq!(table.sent, ["reject-proposal a@n1"]);
        table.bid("b@n1", "5");
        assert_eq!(table.sent, ["accept-proposal b@n1 job-1"]);
        assert_eq!(table.call.bids().count(), 1);
    }

    #[test]
    fn late_proposals_are_rejected_outside_of_the_protocol_and_second_ones_ignored() {
        let mut table = Table::laid("a b", plain);
        table.time_out("bid-1-0");
        table.bid("b@n1", "5");
        assert_eq!(table.bid("a@n1", "1"), Progress::Open);
        assert_eq!(table.sent, ["reject-proposal a@n1 outside"]);
        assert_eq!(table.bid("stranger@n1", "1"), Progress::Open);
        assert_eq!(table.sent, ["reject-proposal stranger@n1 outside"]);
        assert_eq!(table.bid("b@n1", "4"), Progress::Open);
        assert!(table.sent.is_empty());
        assert_eq!(table.standings(), [Standing::Silent, Standing::Accepted]);
    }

    #[test]
    fn the_next_best_follows_a_winner_that_fails_or_is_overdue() {
        let mut table = Table::laid("a b c", plain);
        for (who, price) in [("a@n1", "1"), ("b@n1", "2"), ("c@n1", "2")] {
            table.bid(who, price);
        }
        assert_eq!(table.hear("a@n1", Performative::Failure, "job-0", "{}"), Progress::Open);
        assert_eq!(table.sent, ["accept-proposal b@n1 job-1"]);
        assert_eq!(table.time_out("job-1"), Progress::Open);
        assert_eq!(table.sent, ["cancel b@n1", "accept-proposal c@n1 job-2"]);
        assert_eq!(table.hear("b@n1", Performative::Inform, "job-1", "1"), Progress::Open);
        let gone = r#"{"reason":"node-died","receiver":"c@n1"}"#;
        assert_eq!(table.hear("ams", Performative::Failure, "job-2", gone), Progress::Over(Ending::Failed));
        assert_eq!(table.standings(), [Standing::Failed, Standing::Overdue, Standing::Failed]);
    }

    #[test]
    fn a_reserve_that_dies_is_passed_over() {
        let mut table = Table::laid("a b", plain);
        table.bid("a@n1", "1");
        table.bid("b@n2", "2");
        let gone = r#"{"reason":"node-died","receiver":"b@n2"}"#;
        assert_eq!(table.hear("ams", Performative::Failure, "", gone), Progress::Open);
        let failed = table.hear("a@n1", Performative::Failure, "job-0", "{}");
        assert_eq!(failed, Progress::Over(Ending::Failed));
        assert!(table.sent.is_empty());
    }

    #[test]
    fn without_reserves_the_others_are_rejected_with_the_award() {
        let mut table = Table::laid("a b", Call::without_reserves);
        table.bid("a@n1", "2");
        table.bid("b@n1", "1");
        assert_eq!(table.sent, ["accept-proposal b@n1 job-1", "reject-proposal a@n1"]);
        let failed = table.hear("b@n1", Performative::Failure, "job-1", "{}");
        assert_eq!(failed, Progress::Over(Ending::Failed));
    }

    #[test]
    fn several_may_get_the_work_and_fewer_may_do_it() {
        let mut table = Table::laid("a b", |call| call.winners(2));
        table.bid("a@n1", "2");
        table.bid("b@n1", "1");
        assert_eq!(table.sent, ["accept-proposal b@n1 job-1", "accept-proposal a@n1 job-0"]);
        assert_eq!(table.hear("a@n1", Performative::Inform, "job-0", "1"), Progress::Open);
        let failed = table.hear("b@n1", Performative::NotUnderstood, "job-1", "{}");
        assert_eq!(failed, Progress::Over(Ending::PartlyDone));
    }

    #[test]
    fn a_further_round_goes_to_those_who_proposed_and_forgets_what_they_had() {
        let mut table = Table::laid("a b", |call| call.rounds(2));
        table.hear("a@n1", Performative::Refuse, "bid-1-0", "{}");
        assert_eq!(table.bid("b@n1", "9"), Progress::Bids);
        assert_eq!(table.ask(), Progress::Open);
        assert_eq!(table.sent, ["cfp b@n1 bid-2-1"]);
        assert_eq!(table.hear("b@n1", Performative::Propose, "bid-1-1", r#"{"price":1}"#), Progress::Open);
        assert_eq!(table.time_out("bid-1-1"), Progress::Open);
        assert_eq!(table.standings(), [Standing::Refused, Standing::Called]);
        assert_eq!(table.hear("b@n1", Performative::Propose, "bid-2-1", r#"{"price":8}"#), Progress::Open);
        assert_eq!(table.sent, ["accept-proposal b@n1 job-1"]);
    }

    #[test]
    fn the_work_may_be_awarded_before_the_last_round() {
        let mut table = Table::laid("a", |call| call.rounds(9));
        assert_eq!(table.bid("a@n1", "9"), Progress::Bids);
        assert_eq!(table.step(|call, out| call.award(NOW, out)), Progress::Open);
        assert_eq!(table.sent, ["accept-proposal a@n1 job-0"]);
    }

    #[test]
    fn everybody_who_is_in_it_hears_when_it_is_called_off() {
        let mut table = Table::laid("a b c", plain);
        table.bid("a@n1", "1");
        table.hear("b@n1", Performative::Refuse, "", "{}");
        let ending = table.step(Call::cancel);
        assert_eq!(ending, Progress::Over(Ending::Cancelled));
        assert_eq!(table.sent, ["cancel a@n1", "cancel c"]);
    }

    #[test]
    fn nobody_speaks_for_another() {
        let mut table = Table::laid("a b", plain);
        for act in [Performative::Refuse, Performative::Failure, Performative::Inform] {
            assert_eq!(table.hear("thief@n1", act, "bid-1-0", r#"{"reason":"timeout"}"#), Progress::Open);
        }
        let other = stamp(&Draft::new(Performative::Refuse, "buyer").conversation("other"), "a@n1");
        table.step(|call, out| call.take(&Message::parse(&other).unwrap(), NOW, out));
        assert_eq!(table.standings(), [Standing::Called; 2]);
    }
}
