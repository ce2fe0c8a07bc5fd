//! drand's signatures: BLS on the curve BLS12-381, of the scheme `bls-unchained-g1-rfc9380`, with
//! signatures on G1 and keys on G2.

use bls12_381::hash_to_curve::{ExpandMsgXmd, HashToCurve};
use bls12_381::{G1Affine, G1Projective, G2Affine, G2Prepared, Gt, multi_miller_loop};
use hmac_sha256::Hash;

/// What tells these signatures from all others on the curve.
const DOMAIN: &[u8] = b"BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_";

/// Whether a key can be one: a point of its group, and not the one that every key could sign for.
pub fn is_key(key: &[u8; 96]) -> bool {
    read_key(key).is_some()
}

fn read_key(key: &[u8; 96]) -> Option<G2Affine> {
    Option::from(G2Affine::from_compressed(key))
        .filter(|key: &G2Affine| !bool::from(key.is_identity()))
}

/// Whether the holder of this key signed this round so. What is no point of its group signs
/// nothing.
pub fn is_signed(key: &[u8; 96], round: u64, signature: &[u8; 48]) -> bool {
    let signature = Option::<G1Affine>::from(G1Affine::from_compressed(signature));
    let (Some(key), Some(signature)) = (read_key(key), signature) else {
        return false;
    };
    if bool::from(signature.is_identity()) {
        return false;
    }
    let message = Hash::hash(&round.to_be_bytes());
    let message: G1Affine =
        <G1Projective as HashToCurve<ExpandMsgXmd<sha2::Sha256>>>::hash_to_curve([message], DOMAIN)
            .into();
    // e(message, key) = e(signature, generator), with the costly last step once for both.
    let key = G2Prepared::from(key);
    let generator = G2Prepared::from(G2Affine::generator());
    #[expect(
        clippy::arithmetic_side_effects,
        reason = "each point has its negative"
    )]
    let against = -signature;
    let both = multi_miller_loop(&[(&message, &key), (&against, &generator)]);
    both.final_exponentiation() == Gt::identity()
}

#[cfg(test)]
mod tests {
    use ct_codecs::{Decoder, Hex};

    use super::*;
    use crate::fair::beacon::Chain;

    fn bytes<const N: usize>(hex: &str) -> [u8; N] {
        Hex::decode_to_vec(hex, None).unwrap().try_into().unwrap()
    }

    #[test]
    fn rounds_that_quicknet_made_are_signed() {
        let key = bytes(&Chain::quicknet().public_key);
        // From the public record.
        let early = bytes(
            "b75c69d0b72a5d906e854e808ba7e2accb1542ac355ae486d591aa9d43765482e26cd02df835d3546d23c4b13e0dfc92",
        );
        let later = bytes(
            "b713718a38ae728dfd477991af2822e08d2f305e47718cef9f7848ce4050e7be41076862b98fad56e91a6b85b89cd97b",
        );
        assert!(is_key(&key));
        assert!(is_signed(&key, 123, &early));
        assert!(is_signed(&key, 657_413, &later));
        assert!(!is_signed(&key, 124, &early));
        assert!(!is_signed(&key, 123, &later));
        let generator = G2Affine::generator().to_compressed();
        assert!(!is_signed(&generator, 123, &early), "another key");
    }

    #[test]
    fn what_is_no_point_of_the_group_signs_nothing() {
        let key = bytes(&Chain::quicknet().public_key);
        let mut infinity = [0; 48];
        infinity[0] = 0xc0;
        for signature in [[0; 48], [255; 48], infinity] {
            assert!(!is_signed(&key, 1, &signature));
        }
        let mut infinity = [0; 96];
        infinity[0] = 0xc0;
        for key in [[0; 96], [255; 96], infinity] {
            assert!(!is_key(&key));
            assert!(!is_signed(&key, 1, &G1Affine::generator().to_compressed()));
        }
    }
}
