//! The table of formats, in the order of the carriers' codes.
//!
//! Each entry states published facts in our own form: what is written, and what the check digit covers. The
//! facts were published by standards bodies and carriers (UPU S10, GS1 General Specifications, USPS
//! Publication 199, DPD Parcel Label Specification) and collected by the tracking_number_data project.
//!
//! An `id` is written into events: it is never reused for another format, and a changed entry raises
//! [`TABLE_VERSION`](super::TABLE_VERSION).

use super::check_digit::Algorithm::{FedEx, Gs1, Luhn, Mod7, Mod37And36, S10, Ups};
use super::pattern::Part;
use super::pattern::Part::{
    Alnum, AlnumBetween, Check, Digits, Either, Letters, OneOf, Sum, SumAfter, Text, Word,
};
use super::{Carrier, Format};

/// Designated operators of the Universal Postal Union among the carriers: S10 items are theirs too.
pub(super) const POSTAL_OPERATORS: &[&str] = &["canada_post", "usps"];

pub(super) static CARRIERS: &[Carrier] = &[
    Carrier {
        code: "amazon",
        name: "Amazon",
        formats: &[
            // TBA in the United States, TBC in Canada, TBM in Mexico.
            Format {
                id: "amazon_logistics",
                name: "Amazon Logistics",
                parts: &[Text("TB"), OneOf("ACM"), Digits(12)],
            },
            Format {
                id: "amazon_international",
                name: "Amazon International",
                parts: &[OneOf("ACF"), Digits(10)],
            },
        ],
    },
    Carrier {
        code: "canada_post",
        name: "Canada Post",
        formats: &[
            // Seven digits of origin and eight of the item.
            Format { id: "canada_post", name: "Canada Post (16)", parts: &[Sum, Digits(15), Check(Gs1)] },
        ],
    },
    Carrier {
        code: "canpar",
        name: "Canpar",
        formats: &[Format { id: "canpar_22", name: "Canpar (22)", parts: &[OneOf("CDKLSUXZ"), Digits(21)] }],
    },
    Carrier {
        code: "dhl",
        name: "DHL",
        formats: &[
            // The waybill: nine or ten digits and their check.
            Format {
                id: "dhl_express",
                name: "DHL Express",
                parts: &[Sum, Either(&[&[Digits(9)], &[Digits(10)]]), Check(Mod7)],
            },
            // One piece of a shipment.
            Format {
                id: "dhl_express_piece_id",
                name: "DHL Express (Piece ID)",
                parts: &[
                    Text("J"),
                    Either(&[&[Letters(2)], &[Letters(3)]]),
                    Either(&[&[Digits(9)], &[Digits(10)]]),
                ],
            },
            // Ten to thirty-nine characters after the prefix, the first of them a digit.
            Format {
                id: "dhl_ecommerce",
                name: "DHL E-Commerce",
                parts: &[Word("GM LX RX UV CN SG TH IN HK MY"), Digits(1), AlnumBetween(9, 38)],
            },
            Format { id: "dhl_ecommerce_14", name: "DHL E-Commerce (14)", parts: &[Digits(14)] },
        ],
    },
    // DPD Parcel Label Specification: ISO/IEC 7064 MOD 37,36 over everything before it.
    Carrier {
        code: "dpd",
        name: "DPD",
        formats: &[
            // Destination postal code 7, parcel 14, service 3, ISO 3166-1 numeric country 3.
            Format { id: "dpd", name: "DPD (28)", parts: &[Sum, Digits(27), Check(Mod37And36)] },
            // The parcel alone.
            Format { id: "dpd_14", name: "DPD (14)", parts: &[Sum, Digits(14), Check(Mod37And36)] },
        ],
    },
    Carrier {
        code: "fedex",
        name: "FedEx",
        formats: &[
            Format { id: "fedex_12", name: "FedEx Express (12)", parts: &[Sum, Digits(11), Check(FedEx)] },
            // A 9 in front would be FedEx Ground. Fifteen digits, destination ZIP 5, the tracking number.
            Format {
                id: "fedex_34",
                name: "FedEx Express (34)",
                parts: &[OneOf("012345678"), Digits(19), Sum, Digits(13), Check(FedEx)],
            },
            // The old barcode, with a tracking number of Express, its check digit and all, in the middle.
            Format {
                id: "fedex_astra_32",
                name: "FedEx ASTRA (32)",
                parts: &[Text("3"), Digits(15), Sum, Digits(11), Check(FedEx), Digits(4)],
            },
            Format { id: "fedex_ground", name: "FedEx Ground", parts: &[Sum, Digits(14), Check(Gs1)] },
            // As published, the check leaves out the two digits for the type of container.
            Format {
                id: "fedex_ground_sscc_18",
                name: "FedEx Ground (SSCC-18)",
                parts: &[Digits(2), Sum, Digits(15), Check(Gs1)],
            },
            // Class 2, service 3; shipper 7 and package 7 are what the check covers.
            Format {
                id: "fedex_ground_96",
                name: "FedEx Ground 96 (22)",
                parts: &[Text("96"), Digits(5), Sum, Digits(14), Check(Gs1)],
            },
            // The barcode of 34, with the Ground shipper number; the tracking number comes last.
            Format {
                id: "fedex_ground_gsn",
                name: "FedEx Ground GSN",
                parts: &[Text("96"), Digits(18), Sum, Digits(13), Check(FedEx)],
            },
        ],
    },
    Carrier {
        code: "gofo",
        name: "GOFO Express",
        formats: &[Format { id: "gofo_us", name: "GOFO Express (US)", parts: &[Text("GFUS"), Digits(14)] }],
    },
    Carrier {
        code: "landmark",
        name: "Landmark Global",
        formats: &[Format {
            id: "landmark_global",
            name: "Landmark Global LTN",
            parts: &[Text("LTN"), Digits(8), Text("N1")],
        }],
    },
    Carrier {
        code: "lasership",
        name: "LaserShip",
        formats: &[
            Format {
                id: "lasership_lx",
                name: "LaserShip LX",
                parts: &[Text("L"), OneOf("AEHINX"), OneOf("123"), Digits(7)],
            },
            Format {
                id: "lasership_1ls7",
                name: "LaserShip 1LS7 (15)",
                parts: &[Text("1LS7"), OneOf("12"), Digits(10)],
            },
            // The only hyphen in the table.
            Format {
                id: "lasership_1ls7_18",
                name: "LaserShip 1LS7 (18)",
                parts: &[
                    Text("1LS7"),
                    OneOf("12"),
                    Digits(2),
                    Text("01"),
                    OneOf("1234"),
                    Digits(6),
                    Text("-1"),
                ],
            },
            Format {
                id: "lasership_1lscx",
                name: "LaserShip 1LSCX (15)",
                parts: &[Text("1LSCX"), Alnum(10)],
            },
        ],
    },
    Carrier {
        code: "old_dominion",
        name: "Old Dominion Freight Line",
        formats: &[
            Format {
                id: "old_dominion",
                name: "Old Dominion",
                parts: &[Sum, Word("777 778 072 780"), Digits(7), Check(Luhn)],
            },
            Format {
                id: "old_dominion_guaranteed",
                name: "Old Dominion Guaranteed Shipment",
                parts: &[Sum, Text("80"), Digits(8), Check(Luhn)],
            },
        ],
    },
    // The letter is covered too: the rule gives C the value 4, and D 5.
    Carrier {
        code: "ontrac",
        name: "OnTrac",
        formats: &[
            Format { id: "ontrac_c", name: "OnTrac", parts: &[Sum, Text("C"), Digits(13), Check(Ups)] },
            Format { id: "ontrac_d", name: "OnTrac D", parts: &[Sum, Text("D"), Digits(13), Check(Ups)] },
        ],
    },
    Carrier {
        code: "purolator",
        name: "Purolator",
        formats: &[
            Format {
                id: "purolator_numeric",
                name: "Purolator (12)",
                parts: &[Sum, OneOf("012345"), Digits(10), Check(Luhn)],
            },
            Format { id: "purolator_alpha", name: "Purolator (alpha + 9)", parts: &[Letters(3), Digits(9)] },
        ],
    },
    Carrier {
        code: "s10",
        name: "International post (UPU S10)",
        formats: &[
            // Service 2, serial 8, check, and the country of the post that issued the number.
            Format {
                id: "s10",
                name: "S10",
                parts: &[Letters(2), Sum, Digits(8), Check(S10), Word(COUNTRIES)],
            },
        ],
    },
    Carrier {
        code: "speedee",
        name: "Spee-Dee Delivery",
        formats: &[Format { id: "speedee", name: "Spee-Dee (20)", parts: &[Text("SP"), Digits(18)] }],
    },
    Carrier {
        code: "ups",
        name: "UPS",
        formats: &[
            // Shipper 6, service 2, package 7.
            Format { id: "ups", name: "UPS", parts: &[Text("1Z"), Sum, Alnum(15), Check(Ups)] },
            // The letter tells the service and is not covered.
            Format {
                id: "ups_waybill",
                name: "UPS Waybill",
                parts: &[OneOf("AHJKTV"), Sum, Digits(9), Check(Ups)],
            },
        ],
    },
    // USPS Publication 199 (Intelligent Mail package barcode) and its forerunners.
    Carrier {
        code: "usps",
        name: "United States Postal Service",
        formats: &[
            // Service 2, shipper 9, package 8.
            Format { id: "usps_20", name: "USPS 20", parts: &[Sum, Digits(19), Check(Gs1)] },
            // Constructs N01 to N10, identifier 94. After service 3 comes the mailer: nine digits when the
            // first is a 9, otherwise six. Only with nine can the package be long enough for thirty digits.
            Format {
                id: "usps_impb_n",
                name: "USPS IMpb N",
                parts: &[
                    Either(&[
                        &[ZIP5_OR_ZIP9, Sum, Text("94"), Digits(19)],
                        &[ZIP5, Sum, Text("94"), Digits(23)],
                        &[Sum, Text("94"), Digits(3), Text("9"), Digits(23)],
                    ]),
                    Check(Gs1),
                ],
            },
            // USPS 20 with the identifier 91 in front, which the check covers even where it is not written.
            Format {
                id: "usps_legacy",
                name: "USPS Legacy",
                parts: &[
                    ZIP5_OR_ZIP9,
                    Either(&[&[Sum, Text("91")], &[SumAfter("91")]]),
                    Digits(19),
                    Check(Gs1),
                ],
            },
            // Constructs C01 to C10: identifier 92 when the mailer has nine digits, 93 when six; and 95 for
            // what is sold over the counter.
            Format {
                id: "usps_impb_c",
                name: "USPS IMpb C",
                parts: &[
                    Either(&[
                        &[ZIP5_OR_ZIP9, Sum, IMPB_C_TO_MAILER, Digits(15)],
                        &[ZIP5, Sum, IMPB_C_TO_MAILER, Digits(19)],
                    ]),
                    Check(Gs1),
                ],
            },
        ],
    },
    Carrier {
        code: "yodel",
        name: "Yodel",
        formats: &[Format { id: "yodel", name: "Yodel", parts: &[Word("JD JJD"), Digits(16)] }],
    },
    Carrier {
        code: "yunexpress",
        name: "YunExpress",
        formats: &[Format { id: "yunexpress", name: "YunExpress", parts: &[Text("YT"), Digits(16)] }],
    },
];

/// The routing that a scanner of USPS labels may read before the number (GS1 application identifier 420): the
/// destination's ZIP code.
const ZIP5: Part = Either(&[&[], &[Text("420"), Digits(5)]]);

/// The same, or ZIP+4.
const ZIP5_OR_ZIP9: Part = Either(&[&[], &[Text("420"), Digits(5)], &[Text("420"), Digits(9)]]);

/// IMpb C up to the first digit of the mailer: identifier 2, service 3, that digit.
const IMPB_C_TO_MAILER: Part = Either(&[
    &[Text("92"), Digits(3), Text("9")],
    &[Text("93"), Digits(3), OneOf("012345678")],
    &[Text("95"), Digits(4)],
]);

/// ISO 3166-1 alpha-2, which S10 takes its country codes from: all of it, and not only the members of the
/// Union, because posts outside it (Taiwan, Macao) and of territories issue numbers as well.
const COUNTRIES: &str = "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN \
    BO BQ BR BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC \
    EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR \
    HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT \
    LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP \
    NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL \
    SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE \
    VG VI VN VU WF WS YE YT ZA ZM ZW";
