function conform (cases, results)
% Compute convolutions, restrictions, depth and cross entropies of exported cases, in GNU Octave or MATLAB.
%
%   refms conform export -o cases.mat
%   octave-cli --path validation/peers/octave --eval "conform ('cases.mat', 'results.mat')"
%   refms conform verify cases.mat results.mat --only 'convolution/*/product,transfer/*/restriction,depth/doubled,depth/uneven,loss'
%
% In .mat files the names have _ instead of / and -, and the shapes are those of the documentation. The rows of
% features run over channels (slowest) and the cells in C order, last axis fastest: digits and number below are
% the two directions between a cell's place in that order and its indices, both from 0.

  x = load (cases);
  r = struct ();
  for name = {'1d', '2d', '3d', 'wrapped'}
    id = ['convolution_' name{1}];
    grid = reshape (double (x.(['case_' id '_setting_grid'])), 1, []);
    S = x.(['case_' id '_input_S']);
    r.(['result_' id '_product']) = convolution (S, x.(['case_' id '_input_Y']), grid);
  end
  for name = {'1d', '2d', '3d'}
    id = ['transfer_' name{1}];
    grid = reshape (double (x.(['case_' id '_setting_fine_grid'])), 1, []);
    pairs = restrictions ();
    for p = 1:size (pairs, 1)
      coarse = restriction (x.(['case_' id '_input_fine']), grid, pairs{p, 2}, pairs{p, 3});
      r.(['result_' id '_' pairs{p, 1} '_restriction']) = coarse;
    end
  end
  for name = {'doubled', 'uneven'}
    id = ['depth_' name{1}];
    r.(['result_' id '_prolongation']) = deeper (x.(['case_' id '_input_Theta']), ...
      double (x.(['case_' id '_setting_new_layers'])));
  end
  for name = {'tame', 'soft_labels', 'extreme', 'overflowing'}
    id = ['loss_' name{1}];
    [value, gradient, product] = cross_entropy (x.(['case_' id '_input_Z']), ...
      x.(['case_' id '_input_C']), x.(['case_' id '_input_V']));
    r.(['result_' id '_value']) = value;
    r.(['result_' id '_gradient']) = gradient;
    r.(['result_' id '_hessian_product']) = product;
  end
  if exist ('OCTAVE_VERSION', 'builtin')
    save ('-v7', results, '-struct', 'r');
  else
    save (results, '-struct', 'r', '-v7');
  end
end

function Z = convolution (S, Y, grid)
% (K y)_i = sum_k S_k y_(i+k), periodic. S is (c_out, c_in, *stencil); trailing extents of one are not stored.
  n = prod (grid);
  d = numel (grid);
  k = ones (1, d);
  for axis = 1:d
    k(axis) = size (S, 2 + axis);
  end
  Z = zeros (size (S, 1) * n, size (Y, 2));
  for q = 0:prod (k) - 1
    entry = digits (q, k);
    at = num2cell (entry + 1);
    for cell = 0:n - 1
      there = number (mod (digits (cell, grid) + entry - (k - 1) / 2, grid), grid);
      for o = 1:size (S, 1)
        for i = 1:size (S, 2)
          here = (o - 1) * n + cell + 1;
          Z(here, :) = Z(here, :) + S(o, i, at{:}) * Y((i - 1) * n + there + 1, :);
        end
      end
    end
  end
end

function pairs = restrictions ()
% The rows of R in one dimension: offsets from cell 2i, and weights.
  pairs = {
    'averaging_bilinear',    [0 1],    [1 1] / 2;
    'averaging_constant',    [0 1],    [1 1] / 2;
    'summing_constant',      [0 1],    [1 1];
    'full_weighting_linear', [-1 0 1], [1 2 1] / 4;
    'injection_linear',      0,        1;
    'injection_cubic',       0,        1;
    'nearest',               0,        1};
end

function Y = restriction (fine, grid, offsets, weights)
  d = numel (grid);
  coarse = grid / 2;
  channels = size (fine, 1) / prod (grid);
  Y = zeros (channels * prod (coarse), size (fine, 2));
  width = repmat (numel (offsets), 1, d);
  for c = 0:channels - 1
    for cell = 0:prod (coarse) - 1
      here = c * prod (coarse) + cell + 1;
      for q = 0:prod (width) - 1
        which = digits (q, width) + 1;
        there = number (mod (2 * digits (cell, coarse) + offsets(which), grid), grid);
        Y(here, :) = Y(here, :) + prod (weights(which)) * fine(c * prod (grid) + there + 1, :);
      end
    end
  end
end

function New = deeper (Theta, layers)
% One row a layer, at the times t_k = k T / N: piecewise linear, constant beyond the last old time.
  N = size (Theta, 1);
  New = zeros (layers, size (Theta, 2));
  for j = 0:layers - 1
    k = floor (j * N / layers);
    f = mod (j * N, layers) / layers;
    New(j + 1, :) = (1 - f) * Theta(k + 1, :) + f * Theta(min (k + 2, N), :);
  end
end

function [value, gradient, product] = cross_entropy (Z, C, V)
% The mean over the columns; labels need not sum to one. The largest logit is taken out before exp.
  m = size (Z, 2);
  Z = Z - repmat (max (Z, [], 1), size (Z, 1), 1);
  total = repmat (sum (exp (Z), 1), size (Z, 1), 1);
  p = exp (Z) ./ total;
  value = -sum (sum (C .* (Z - log (total)))) / m;
  labels = repmat (sum (C, 1), size (Z, 1), 1);
  gradient = (labels .* p - C) / m;
  product = labels .* p .* (V - repmat (sum (p .* V, 1), size (Z, 1), 1)) / m;
end

function index = digits (place, extents)
  index = zeros (1, numel (extents));
  for axis = numel (extents):-1:1
    index(axis) = mod (place, extents(axis));
    place = floor (place / extents(axis));
  end
end

function place = number (index, extents)
  place = 0;
  for axis = 1:numel (extents)
    place = place * extents(axis) + index(axis);
  end
end
