"""The corner of each property: what no instance reaches, or what wrong result its scale still allows."""

EVERYWHERE = (
    "In all of them at most 17 channels, 40 examples, 12 classes and 12 layers come up, stencils of at "
    "most 125 entries (49 in networks), grids of at most 640 cells times channels, and errors below 30 "
    "eps of the scale pass: mistakes that begin beyond these sizes, such as in a loop over blocks of 64, "
    "or that are smaller, stay unseen."
)
"""What holds for all properties."""

CORNERS: dict[str, str] = {
    "C1": (
        "The scale is ‖s‖₁‖y‖_∞: where entries lie decades apart, a wrong smallest entry passes; C15 sees it."
    ),
    "C2": (
        "Stored zeros of stencils that hold zeros are not asked about, and the zero boundary is left to C13."
    ),
    "C3": "Any circulant matrix passes, that of a flipped stencil too; C9 says which it is.",
    "C4": "Norm and normality are those of one channel; periodic boundaries alone have modes.",
    "C5": (
        "Products are those of one channel; where stencils wrap around, several mistakes of folding cancel."
    ),
    "C6": "Grids have at least n_K cells, so entries that meet are not seen; the norms do not tell a flip.",
    "C7": "Flips leave both spectra as they are up to a sign, and one channel is asked.",
    "C8": "Errors count against all of ‖Z‖‖Y‖: what one example among forty adds may have lost two digits.",
    "C9": "Periodic grids of at least n_K cells, one channel; other boundaries follow in C12 and C13.",
    "C10": "Channels are exchanged one by one; a mistake for more than 17 of them is out of reach.",
    "C11": (
        "Square grids and stencils alone can be turned, so exchanged axes of unequal extent are left to C13."
    ),
    "C12": (
        "Zeros beyond the edges alone; reflecting and replicating boundaries are no part of the conventions."
    ),
    "C13": (
        "The explicit matrix takes one instance at a time; many examples share one matrix and are not its "
        "rows."
    ),
    "C14": "All three operations may be wrong alike, flipped or shifted: a dot test cannot see that.",
    "C15": (
        "Sums in another order or precision pass as long as they are as good as the bound, which grows "
        "with n_K^d."
    ),
    "T1": "Constants do not tell how R and P weigh neighbours: every R with the right row sum passes.",
    "T2": "Pairs without R = 2^-d Pᵀ are only asked not to have it; how far off they are is open.",
    "T3": (
        "Three cells at the periodic seam are left out, and pairs that carry no linear function are not "
        "asked."
    ),
    "T4": (
        "Slopes do not see constants: a product PR that is off by a factor of its error passes; 3-D is "
        "left out."
    ),
    "T5": (
        "Products of functions of one variable: a coupling that vanishes on all of them would pass, none "
        "is known."
    ),
    "T6": "R and P may be any operators that commute with shifts; T1 and T3 say which.",
    "T7": (
        "One channel and one example; a rank that is nearly lost, by a factor of 1e-10, passes in double "
        "precision."
    ),
    "T8": "One odd extent at a time is asked, and that it raises, not which error it is.",
    "T9": "Pairs without negative weights alone; bounds hold for any averages.",
    "T10": "Rows near the edges of smoother pairs are free; zero boundaries of 1, 3, 5 entries.",
    "G1": "Stencils of up to 125 entries; an error in the smallest entry of a stencil over decades passes.",
    "G2": "Size 3 with the pairs whose map is printed; other sizes are left to G1 and G5.",
    "G3": "Five moments of nine or twenty-seven numbers: maps that agree on these pass; G2 has all.",
    "G4": "Two norms to the printed digits, so entries that are off in the fourth digit pass here.",
    "G5": "A wrong map with its exact inverse passes; G1 and G2 see the map.",
    "G6": (
        "That up raises is asked for closed sizes of known pairs; a stencil that is singular only nearly "
        "is open."
    ),
    "G7": "Any map that commutes with flips passes, also one that is scaled.",
    "G8": (
        "Symbols at the frequencies of one grid; errors count against ‖s‖₁, not against small eigenvalues."
    ),
    "G9": (
        "Two levels; what changes from the third on, such as a stencil that is cut at a largest size, is "
        "open."
    ),
    "G10": "One stencil of one channel in two dimensions.",
    "G11": "Linear maps of any kind pass; coarse stencils of channels beyond 17 are open.",
    "G12": "The implementation's own operators may be wrong alike; G1 takes those of the kit.",
    "G13": "Two inequalities: everything smaller passes; symmetric forms hold for variational pairs alone.",
    "N1": "A slope between 0.75 and 1.25 for smooth networks in one and two dimensions: constants are free.",
    "N2": "Like N1; a scheme of order one with other weights in its first and last step passes.",
    "N3": "Parameters are zero: only the opening and σ(0) are seen.",
    "N4": "No cell sees another one, and the biases are constant in time.",
    "N5": "One linear layer again and again, periodic; which layer comes when is left to N9.",
    "N6": (
        "A bound, and saturated biases: networks whose steps are too small pass where they do not saturate."
    ),
    "N7": "Any equivariant network passes; whole examples that are left out alike are seen by N9.",
    "N8": "Scaling by 4 and one cut; it holds for whatever is a one-step method.",
    "N9": "The scale grows as ∏(1+δt‖s_k‖₁): in deep networks with large stencils an error of 1e-10 passes.",
    "N10": (
        "Arguments of size one to a million and the kinks ±η; arguments in the range of denormal numbers "
        "are not drawn."
    ),
    "D1": (
        "At most 12 old layers, and up to four times as many new ones; fewer layers than before are not "
        "asked for."
    ),
    "D2": "From 16 to 32 and from 32 to 64 layers; a slope leaves constants free, D1 has the values.",
    "D3": "A slope, for smooth parameters and one or two dimensions; the exact weights are left to D1.",
    "H1": "Pairs whose rows sum to one; where R is no multiple of Pᵀ only an order is asked.",
    "H2": "Smooth functions on cubes for the order; entry by entry up to h^d‖w‖‖y‖ of all cells.",
    "H3": "Twice the same batch and single examples; weights of examples are no part of the conventions.",
    "H4": (
        "The scale of half precisions is wide: two digits at most are judged there; O and S judge the rest."
    ),
    "S1": "Shifts up to 10⁴; the scale knows |a|, so digits that the shift itself takes are forgiven.",
    "S2": "Two bounds that are log ℓ apart: any value between them passes; S13 has the value.",
    "S3": "Examples over three decades with their own scales; 1 − p of a confident example is left to S14.",
    "S4": "One example with logits up to one, so underflow of p(1 − p) is not asked for.",
    "S5": "An inequality, strict by 30 eps for a gap of 0.001 and more.",
    "S6": "Equal logits and the sign of E.",
    "S7": (
        "A random order of each axis; a class that is treated apart but by position passes if it is never "
        "moved."
    ),
    "S8": "Two classes.",
    "S9": "Labels are one-hot; soft ones are left to S10.",
    "S10": "Sums of labels up to 10⁶ times about ℓ; labels below zero are not drawn.",
    "S11": "An ordering of five values.",
    "S12": "One example of three classes; ties of huge logits are not drawn.",
    "S13": "One example, correct to 3 units of ‖z‖_∞, so that small E beside large z are left to S14.",
    "S14": "Leads of 20 to 53; beyond about 745 (103 in single precision) E is zero anyway.",
    "S15": "One NaN in three examples; infinite logits are left open.",
    "O1": "A slope of 1.7: gradients that are wrong by less than about √eps pass; O2 sees these.",
    "O2": (
        "Along six directions: a wrong entry that the random direction hardly meets counts against all of "
        "‖∇f‖."
    ),
    "O3": "Along one random direction and one cotangent; the scale has the growth of all layers.",
    "O4": "Two directions; curvature of the activations is not in G, and nothing is asked of it.",
    "O5": "An identity of the own gradient and product: both may belong to another network alike.",
    "O6": "A rank at 1000 eps: G plus a multiple of the identity below that passes.",
    "O7": "Two batches of two: parts of unequal size are left to E3.",
    "O8": "Directions in the classifier alone.",
    "U1": (
        "Subsets of 3 of 6: a bias below about 0.3 passes in quick, 0.15 in full; larger m are not sampled."
    ),
    "U2": "Sizes to 40 with five seeds of 31 bits.",
    "U3": "Subsets of 3 of 6, single examples and pairs; triples that come together are open.",
    "U4": "Six examples and three subset sizes.",
    "U5": "Six examples; seeds that give few different subsets pass as long as eight do not all agree.",
    "O9": "Eight unknowns and condition 10: loss of orthogonality in long runs is not asked for.",
    "O10": "Eight unknowns, strictly convex; indefinite Hessians are left to O9.",
    "O11": (
        "Functions along one line; 30 halvings at most are asked for, and the number of evaluations is free."
    ),
    "O12": (
        "Three examples; a sine of 0.05 where the contract says 0.01; no regularisers, no relu; where no "
        "step is accepted, the direction is not seen."
    ),
    "O13": "Condition 10 and eight unknowns.",
    "O14": "Coordinates of condition 3: damping below a thousandth of H passes.",
    "O15": "Three functions of eight unknowns; what is done after several refused steps is not seen.",
    "R1": (
        "Grids of two cells and more along each axis, at most three classes of channels; the scale is the "
        "largest eigenvalue's."
    ),
    "R2": "One cosine at a time, against the largest eigenvalue: errors in the smoothest modes lose digits.",
    "R3": "One factor; any quadratic form passes.",
    "R4": "Slopes for smooth functions: constants that vanish with h pass; N → 2N alone.",
    "Z1": "Kernels of the table with ratios near n/2 + 1, and seven to one; others above three are rare.",
    "Z2": "Factors 2 and ½ in one dimension; four ratios of nearest cells that round badly.",
    "Z3": "Constants, and twice as many cells; other ratios have no shifts.",
    "Z4": "From 16 to 24 and 40 cells, three cells from the ends, in one dimension.",
    "Z5": "Widths σ up to 2; on grids that are shorter than the kernel entries meet, in any order.",
    "Z6": "Any symmetric average passes.",
    "L1": "Groups that divide the channels; ε is small beside the variance in most instances.",
    "L2": "Invariances: a factor in all results passes; L1 has the values.",
    "L3": "The derivative in x alone, not in γ and β.",
    "L4": "One group; J may be scaled, L3 has the values.",
    "Q1": (
        "Images in [0, 1] of at least 11 cells; other data ranges and windows are no part of the conventions."
    ),
    "Q2": "Errors count against the square of the sharpness, which is large in flat windows.",
    "Q3": "Errors count against its third power: flat images forgive much.",
    "Q4": "Semi-definite in a few directions.",
    "F1": "Two dimensions, one symbol a channel; anisotropy at a few random angles.",
    "F2": "8 and 16 cells.",
    "F3": "Whatever commutes with shifts and knows g0 passes.",
    "F4": "The derivative in the parameters, not in the field.",
    "W1": "Two levels at most; the third is not coarsened.",
    "W2": "Three examples, levels 1 and 2; windows beyond the image are not asked to be refused.",
    "W3": "Three levels of eight windows and four seeds.",
    "W4": (
        "Grids of 8 cells: places of the first level of large images are not sampled; small biases pass "
        "in quick."
    ),
    "M1": "One linear layer stands for the network: what a deep one does between meshes is not seen.",
    "M2": "Equal examples, and the identity.",
    "M3": "Up to three levels and small batches; which examples a term takes is seen by sizes alone.",
    "M4": "Three copies of the same examples: how they are drawn is not seen.",
    "M5": "Two or three stages of one or two steps of a linear layer.",
    "A1": "Batches are whole numbers below 2³¹ and at most four levels.",
    "A2": "Schedules of few steps; warm starts are no part of it.",
    "A3": "Updates 1, 2, 10 and 1000, one choice of β₁ and β₂; weight decay is no part of it.",
    "A4": "Five steps.",
    "K1": "Strides that are equal along all axes of an instance are frequent; s > n leaves one cell.",
    "K2": "Odd sizes; even ones with gaps come in K5.",
    "K3": "Channels that divide; depthwise stencils with more channels than 17 are open.",
    "K4": "Even sizes 2 and 4.",
    "K5": "Random combinations, not all of them in one tier.",
    "K6": "Whole results against the definition, up to ‖Sᵀ‖₁‖Z‖_∞: a wrong cell of tiny size passes.",
    "K7": "Summed over the examples, against ‖Z‖‖Y‖ as in C8.",
    "P1": "Windows of few cells; those longer than the grid are rare.",
    "P2": "One number for each cell of a window; A may be scaled with its transpose, P1 has the values.",
    "P3": "Numbers without NaN; where several are equal P4 asks little.",
    "P4": "Where several cells are largest any share of z passes.",
    "Y1": "Instances have one bias for every cell; σ is one of the named functions.",
    "Y2": "Errors count against m‖z‖_∞: what one of many examples adds may have lost digits.",
    "Y3": "γ is 0 or 0.3; the energy is that of one state.",
    "Y4": "Against ‖z‖‖y‖ of all cells and examples, so a tiny entry of the gradient may be wrong.",
    "Y5": "Monotone for two states; any monotone layer passes that, the values are compared too.",
    "Y6": "The scale has ‖S‖₁ and ‖Sᵀ‖₁ once each: large stencils forgive errors in the smaller part.",
    "I1": "Parameters that are linear in time; the scale grows as e^T, so many steps forgive digits.",
    "I2": (
        "One linear equation has no stages in time to exchange; those are seen by the definition with θ(t)."
    ),
    "I3": "F = −y and a random layer; velocities other than zero at the start are no part of it.",
    "I4": "Channels in two equal halves; an odd number of them is not drawn.",
    "I5": "Slopes from few steps; constants are free, I1 to I4 have the values.",
    "I6": "Layers that are alike and have no bias: which layer comes when is seen by I4.",
    "I7": "Along one direction in all layers, the first and the last.",
    "X1": "Closed stencil sizes of the named pairs, one factor of two at a time.",
    "X2": "One halving of the mesh; several in a row are not asked to equal one of four.",
    "X3": "An identity of the own restriction: both may be wrong alike, W alone is seen by X1 and X2.",
    "X4": "N + 1 and 3N layers; fewer layers than before are not asked for.",
    "X5": "A few widths σ; smoothing before other pairs than the named ones is open.",
    "B1": "Three intervals.",
    "B2": "Labels that are whole numbers; that −1 and ℓ raise, not how.",
    "B3": "Ties of two logits; several labels an example are no part of it.",
    "J1": "Labels and logits of random size; no weights of examples.",
    "J2": "Logits up to 800 in size.",
    "J3": "Widths from ¼ to 2; at the kinks themselves the second derivative is free.",
    "J4": "Smooth activations and three directions.",
    "J5": "Weights of few sizes; regularisers of other kinds are no part of it.",
    "J6": "Each weight alone and all together, not every pair of them.",
    "V1": "Eight unknowns and four steps; preconditioners that are not positive are not drawn.",
    "V2": "Eight unknowns; λ that is far below eps ‖H‖ cannot be told from zero.",
    "V3": (
        "Eight unknowns and a few radii; that half of the exact minimum is reached leaves the path free "
        "near it."
    ),
    "V4": "Four steps on one function; stopping rules are not asked for.",
    "V5": "Five steps on one function; a decision that eps may turn is free.",
    "V6": "Five steps on two functions; radii at their bounds are not reached.",
    "V7": "Six updates, three values of μ; Nesterov's variant is no part of it.",
    "V8": "Six updates, one β₁ and β₂.",
    "V9": (
        "The classifier alone; entries of the diagonal that are nearly zero may be bounded from below unseen."
    ),
    "V10": "Exact at W = 0 alone; elsewhere it is what its formula says, up to cond(M).",
    "V11": "Three steps with five examples; stopping rules and later steps are not asked for.",
    "V12": "Two iterations of one schedule with five examples; other numbers of steps are not asked for.",
    "E1": (
        "Two arguments in turn; caches that hold more than a few entries are asked by the family of states."
    ),
    "E2": "Three threads on three arguments: races that need more, or long calls, are missed by chance.",
    "E3": "Five examples in parts of 1, 2 and 2.",
    "E4": (
        "One array changes at a time; what is kept for a sum over all entries, of which two changes leave "
        "as it is, is not asked about."
    ),
    "E5": "One argument is another one at a time, or nearly equal; grids and sizes stay what they are.",
    "E6": "An argument that comes back whole, as it was given, may be the argument itself.",
    "E7": "All arrays are stored alike; unaligned memory and bytes in the other order are not tried.",
    "E8": (
        "Six different calls in turn, grids with as many cells by chance alone: what is kept for more "
        "calls, or for the number of cells, is left to the properties of single results. The other precision "
        "is that of classes which take ``dtype``."
    ),
    "E9": (
        "Three threads and one call each; races that are rarer are missed by chance. Between lines of Python "
        "alone a call is interrupted, at most twelve times, not within compiled code."
    ),
}
"""Id of a property -> its corner, in a sentence or two."""
