//! How likely visitors of the store are to do what.
//!
//! Rates of 1,000 views, 150 wishlists, 50 carts and 30 purchases a minute contradict shares of 15, 25 and 60 % from
//! step to step: 25 % of 150 are 37.5 carts, and 60 % of these are 22.5 purchases. The store has the shares, which a
//! funnel measures, and not these rates.

/// The percentages of games on whose first view by a visitor the game is put into the wishlist, from there into the
/// cart, and from there bought. They are the same for all personas and games.
pub(super) const WISHLISTED: u32 = 15;
pub(super) const CARTED: u32 = 25;
pub(super) const BOUGHT: u32 = 60;
/// The percentage of games in a wishlist, but not in a cart, that are removed from the wishlist in the same visit.
pub(super) const UNWISHED: u32 = 20;
/// The percentage of carts without a purchase that are emptied; the others are abandoned.
pub(super) const EMPTIED: u32 = 30;
/// The percentage of orders that are placed hours after the visit, when the cart already counts as abandoned.
pub(super) const RECOVERED: u32 = 10;
/// The percentage of searches without a result.
pub(super) const ZERO_RESULTS: u32 = 8;
/// The percentage of searches with results that lead to the view of a game. After another search, the visitor leaves.
pub(super) const FOLLOWED: u32 = 75;

/// What distinguishes the personas.
pub(super) struct Habits {
    /// The share of visitors, in percent.
    pub(super) weight: u32,
    /// The percentage of views that begin with a search.
    pub(super) searches: u32,
    /// The percentage of views that are followed by another.
    pub(super) looks_on: u32,
    /// The percentage of visits after which the visitor comes back.
    pub(super) returns: u32,
}

/// Browser, researcher and buyer.
pub(super) static PERSONAS: [Habits; 3] = [
    Habits {
        weight: 60,
        searches: 10,
        looks_on: 55,
        returns: 25,
    },
    Habits {
        weight: 25,
        searches: 45,
        looks_on: 70,
        returns: 60,
    },
    Habits {
        weight: 15,
        searches: 25,
        looks_on: 35,
        returns: 50,
    },
];
