//! A policy's floors against its whole history.

use harness::TestRandom;
use shared::{
    auth::token::{PlainToken, TokenKind},
    clock::Timestamp,
    ids::{OrganizationId, SessionId, UserId},
    model::{organization::SessionPolicy, user::Session},
};

/// From where seconds are counted: 2026-03-27T15:00:00Z.
const START: i64 = 1_774_623_600;

/// Which of a policy's two times is played with; the other is out of reach.
#[derive(Debug, Clone, Copy)]
enum Of {
    Idle,
    Absolute,
}

fn policy(of: Of, minutes: u32) -> SessionPolicy {
    let (idle_timeout_minutes, absolute_timeout_minutes) = match of {
        Of::Idle => (minutes, 10_000),
        Of::Absolute => (10_000, minutes),
    };
    SessionPolicy { idle_timeout_minutes, absolute_timeout_minutes, ..SessionPolicy::default() }
}

/// A session that began in that second, 999 milliseconds late, and was not used since.
fn session(second: i64) -> (SessionId, Session) {
    let random = TestRandom::default();
    let began = Timestamp::from_millisecond((START + second) * 1000 + 999);
    let (organization, user) = (OrganizationId::from_bits(1), UserId::from_bits(2));
    let hash = PlainToken::generate(TokenKind::Session, organization, user, &random).hash();
    let session = Session {
        hash,
        last_active_at: began,
        proved_at: None,
        ip_address: None,
        user_agent: None,
    };
    (SessionId::generate(began, &random), session)
}

/// Those seconds, and the ones before and after each.
fn around<const N: usize>(seconds: [i64; N]) -> impl Iterator<Item = i64> {
    seconds.into_iter().flat_map(|second| [second - 1, second, second + 1])
}

/// Plays every three of the policies through, one in the place of the other, each change in the
/// middle of its second. Answers with how often the session lived and how often it had ended.
fn play(of: Of, [first, second, third]: [u32; 3], began: i64) -> (u32, u32) {
    let at = |second: i64| Timestamp::from_millisecond((START + second) * 1000 + 500);
    let ((id, session), mut lived, mut ended) = (session(began), 0, 0);
    for changed in around([60, 120, 240]) {
        for again in around([30, 60, 120]).map(|later| changed + later) {
            let one = policy(of, first);
            let two = policy(of, second).in_place_of(one, at(changed));
            let three = policy(of, third).in_place_of(two, at(again));
            for now in [0, 60, 120, 240].map(|later| again + later) {
                // What the floors stand for: until when each policy held, and what it ended by then.
                let history = [(first, changed), (second, again), (third, now)];
                let expected = history
                    .iter()
                    .any(|(minutes, until)| *until >= began + i64::from(*minutes) * 60);
                let refused = session.check(id, three, at(now)).is_err();
                assert_eq!(refused, expected, "{of:?} {history:?}, began {began}");
                if refused {
                    ended += 1;
                } else {
                    lived += 1;
                }
            }
        }
    }
    (lived, ended)
}

#[test]
fn a_session_has_ended_if_and_only_if_some_policy_ended_it_in_its_time() {
    const MINUTES: [u32; 3] = [1, 2, 4];
    let (mut lived, mut ended) = (0, 0);
    for of in [Of::Idle, Of::Absolute] {
        for first in MINUTES {
            for second in MINUTES {
                for third in MINUTES {
                    for began in around([0, 30, 60]) {
                        let counts = play(of, [first, second, third], began);
                        lived += counts.0;
                        ended += counts.1;
                    }
                }
            }
        }
    }
    assert!(lived > 1000 && ended > 1000, "{lived} lived, {ended} ended");
}
