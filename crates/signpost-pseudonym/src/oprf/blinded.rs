//! The client's side: blind an identifier, and unblind what comes back.

use std::fmt;

use rand_core::{CryptoRng, RngCore};
use voprf::{OprfClient, Ristretto255};
use zeroize::{Zeroize, Zeroizing};

use super::point::{BlindedPoint, EvaluatedPoint};
use crate::identifier::Identifier;
use crate::pseudonym::Pseudonym;

/// A blinded identifier that waits for its evaluation; used once, and wiped when dropped.
pub struct Blinded {
    input: Zeroizing<Vec<u8>>,
    state: OprfClient<Ristretto255>,
    message: BlindedPoint,
}

impl Blinded {
    /// Blinds an identifier with a fresh blind.
    pub fn new<R: RngCore + CryptoRng>(identifier: &Identifier, rng: &mut R) -> Self {
        Self::from_input(identifier.oprf_input(), rng)
    }

    /// Takes any input, as the vectors of the RFC do; everyone else has an [`Identifier`].
    pub(super) fn from_input<R: RngCore + CryptoRng>(input: &[u8], rng: &mut R) -> Self {
        let blinded = OprfClient::blind(input, rng)
            .expect("an identifier is short, and none is known to hash to the identity");
        Self {
            input: Zeroizing::new(input.to_vec()),
            state: blinded.state,
            message: BlindedPoint(blinded.message),
        }
    }

    /// What to send to the server.
    #[must_use]
    pub fn message(&self) -> &BlindedPoint {
        &self.message
    }

    /// Unblinds the server's answer to [`Blinded::message`].
    ///
    /// Base mode cannot show that the server used the right key, nor that this answer belongs to
    /// this question: keep answers in the order of the questions.
    #[must_use]
    pub fn finalize(self, evaluated: &EvaluatedPoint) -> Pseudonym {
        let mut output =
            self.state.finalize(&self.input, &evaluated.0).expect("the input is short, see above");
        let pseudonym = Pseudonym::try_from(&output[..]).expect("SHA-512 gives 64 bytes");
        output[..].zeroize();
        pseudonym
    }
}

impl fmt::Debug for Blinded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Blinded")
    }
}
