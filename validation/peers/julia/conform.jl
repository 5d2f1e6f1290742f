# Compute convolutions, restrictions, depth and cross entropies of exported cases, in Julia with HDF5.jl.
#
#   refms conform export -o cases.h5
#   julia validation/peers/julia/conform.jl cases.h5 results.h5
#   refms conform verify cases.h5 results.h5 --only 'convolution/*/product,transfer/*/restriction,depth/doubled,depth/uneven,loss'
#
# Not run by the tests, and never run so far: no Julia was at hand. Written after the Octave example, which is.
#
# HDF5.jl shows arrays with their axes reversed, and reverses them again when it writes. Here they are turned
# once, after reading and before writing; in between they have the documented shapes.

using HDF5

turned(A::AbstractArray) = permutedims(A, ndims(A):-1:1)

fetch_array(file, name) = turned(read(file[name]))
fetch_grid(file, name) = Int.(read(file[name]))

store(file, name, A::AbstractArray) = (file[name] = turned(A))
store(file, name, value::Real) = (file[name] = Float64(value))

# The indices (from 0) of a place (from 0) in C order, last axis fastest; and the place of wrapped indices.
function digits_of(place, extents)
    index = zeros(Int, length(extents))
    for axis in length(extents):-1:1
        index[axis] = place % extents[axis]
        place = place ÷ extents[axis]
    end
    return index
end

place_of(index, extents) = foldl((place, axis) -> place * extents[axis] + mod(index[axis], extents[axis]),
                                 eachindex(extents); init=0)

# (K y)_i = sum_k S_k y_(i+k), periodic; S is (c_out, c_in, stencil...).
function convolution(S, Y, grid)
    c_out, c_in = size(S, 1), size(S, 2)
    stencil = collect(size(S)[3:end])
    n = prod(grid)
    Z = zeros(eltype(Y), c_out * n, size(Y, 2))
    for q in 0:prod(stencil)-1
        entry = digits_of(q, stencil)
        for cell in 0:n-1
            there = place_of(digits_of(cell, grid) .+ entry .- stencil .÷ 2, grid)
            for o in 1:c_out, i in 1:c_in, j in axes(Y, 2)
                Z[(o-1)*n+cell+1, j] += S[o, i, (entry .+ 1)...] * Y[(i-1)*n+there+1, j]
            end
        end
    end
    return Z
end

# The rows of R in one dimension: offsets from cell 2i, and weights.
const ROWS = [
    ("averaging-bilinear", [0, 1], [0.5, 0.5]),
    ("averaging-constant", [0, 1], [0.5, 0.5]),
    ("summing-constant", [0, 1], [1.0, 1.0]),
    ("full-weighting-linear", [-1, 0, 1], [0.25, 0.5, 0.25]),
    ("injection-linear", [0], [1.0]),
    ("injection-cubic", [0], [1.0]),
    ("nearest", [0], [1.0]),
]

function restriction(fine, grid, offsets, weights)
    coarse = grid .÷ 2
    n, N = prod(grid), prod(coarse)
    channels = size(fine, 1) ÷ n
    widths = fill(length(offsets), length(grid))
    Y = zeros(eltype(fine), channels * N, size(fine, 2))
    for cell in 0:N-1, q in 0:prod(widths)-1
        which = digits_of(q, widths) .+ 1
        there = place_of(2 .* digits_of(cell, coarse) .+ offsets[which], grid)
        for c in 0:channels-1, j in axes(fine, 2)
            Y[c*N+cell+1, j] += prod(weights[which]) * fine[c*n+there+1, j]
        end
    end
    return Y
end

# One row a layer, at the times t_k = k T / N: piecewise linear, constant beyond the last old time.
function deeper(Theta, layers)
    N = size(Theta, 1)
    New = zeros(eltype(Theta), layers, size(Theta, 2))
    for j in 0:layers-1
        k, f = j * N ÷ layers, (j * N % layers) / layers
        New[j+1, :] = (1 - f) .* Theta[k+1, :] .+ f .* Theta[min(k + 2, N), :]
    end
    return New
end

# The mean over the columns; labels need not sum to one. The largest logit is taken out before exp.
function cross_entropy(Z, C, V)
    m = size(Z, 2)
    Z = Z .- maximum(Z; dims=1)
    total = sum(exp.(Z); dims=1)
    p = exp.(Z) ./ total
    labels = sum(C; dims=1)
    value = -sum(C .* (Z .- log.(total))) / m
    gradient = (labels .* p .- C) ./ m
    hessian_product = labels .* p .* (V .- sum(p .* V; dims=1)) ./ m
    return value, gradient, hessian_product
end

function main(cases, results)
    h5open(cases, "r") do x
        h5open(results, "w") do r
            for name in ("1d", "2d", "3d", "wrapped")
                id = "convolution/$name"
                S, Y = fetch_array(x, "case/$id/input/S"), fetch_array(x, "case/$id/input/Y")
                store(r, "result/$id/product", convolution(S, Y, fetch_grid(x, "case/$id/setting/grid")))
            end
            for name in ("1d", "2d", "3d"), (pair, offsets, weights) in ROWS
                id = "transfer/$name"
                fine, grid = fetch_array(x, "case/$id/input/fine"), fetch_grid(x, "case/$id/setting/fine_grid")
                store(r, "result/$id/$pair/restriction", restriction(fine, grid, offsets, weights))
            end
            for name in ("doubled", "uneven")
                id = "depth/$name"
                layers = Int(read(x["case/$id/setting/new_layers"]))
                store(r, "result/$id/prolongation", deeper(fetch_array(x, "case/$id/input/Theta"), layers))
            end
            for name in ("tame", "soft_labels", "extreme", "overflowing")
                id = "loss/$name"
                Z, C, V = (fetch_array(x, "case/$id/input/$part") for part in ("Z", "C", "V"))
                found = cross_entropy(Z, C, V)
                for (quantity, result) in zip(("value", "gradient", "hessian_product"), found)
                    store(r, "result/$id/$quantity", result)
                end
            end
        end
    end
end

main(ARGS...)
