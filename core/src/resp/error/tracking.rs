//! Refusals of CLIENT TRACKING and CLIENT CACHING.

use super::{Sent, Text};

/// Why a connection is not told of changed keys in that way.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TrackingError {
    /// REDIRECT twice.
    SecondRedirect,
    /// REDIRECT to a connection that does not exist.
    NoRedirect,
    /// PREFIX without BCAST.
    PrefixWithoutBroadcast,
    /// BCAST of a connection that tracks without it, or the other way round.
    SwitchBroadcast,
    /// BCAST with OPTIN or OPTOUT.
    OptWithBroadcast,
    /// OPTIN with OPTOUT.
    OptInAndOut,
    /// OPTIN of a connection that tracks with OPTOUT, or the other way round.
    SwitchOpt,
    /// A prefix that overlaps with one that the connection has.
    PrefixExists(Sent, Sent),
    /// A prefix that overlaps with another one of the same command.
    PrefixGiven(Sent, Sent),
    /// CLIENT CACHING without OPTIN and OPTOUT.
    CachingWithoutOpt,
    /// CLIENT CACHING YES without OPTIN.
    CachingYes,
    /// CLIENT CACHING NO without OPTOUT.
    CachingNo,
}

impl TrackingError {
    pub(super) fn write_text(&self, text: &mut Text<'_>) {
        const NOT_BOTH: &str = "'. Prefixes for a single client must not overlap.";
        match self {
            TrackingError::PrefixExists(prefix, other) => {
                text.around("ERR Prefix '", prefix, "' overlaps with an existing prefix '");
                text.around("", other, NOT_BOTH);
            }
            TrackingError::PrefixGiven(prefix, other) => {
                text.around("ERR Prefix '", prefix, "' overlaps with another provided prefix '");
                text.around("", other, NOT_BOTH);
            }
            fixed => text.around(fixed.fixed(), b"", ""),
        }
    }

    fn fixed(&self) -> &'static str {
        match self {
            TrackingError::SecondRedirect => "ERR A client can only redirect to a single other client",
            TrackingError::NoRedirect => "ERR The client ID you want redirect to does not exist",
            TrackingError::PrefixWithoutBroadcast => "ERR PREFIX option requires BCAST mode to be enabled",
            TrackingError::SwitchBroadcast => {
                "ERR You can't switch BCAST mode on/off before disabling tracking for this client, and then re-enabling it with a different mode."
            }
            TrackingError::OptWithBroadcast => "ERR OPTIN and OPTOUT are not compatible with BCAST",
            TrackingError::OptInAndOut => "ERR You can't specify both OPTIN mode and OPTOUT mode",
            TrackingError::SwitchOpt => {
                "ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and then re-enabling it with a different mode."
            }
            TrackingError::CachingWithoutOpt => {
                "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled"
            }
            TrackingError::CachingYes => {
                "ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode."
            }
            TrackingError::CachingNo => {
                "ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode."
            }
            TrackingError::PrefixExists(..) | TrackingError::PrefixGiven(..) => "",
        }
    }
}
