-- Work of many kinds for the interpreter: calls, tables, strings, closures, floating point.
-- The argument scales it.
local scale = tonumber(arg[1]) or 1

local function fib(n)
    if n < 2 then return n end
    return fib(n - 1) + fib(n - 2)
end

local function queens(n)
    local count, columns, up, down = 0, {}, {}, {}
    local function place(row)
        if row > n then count = count + 1 return end
        for c = 1, n do
            if not (columns[c] or up[row + c] or down[row - c + n]) then
                columns[c], up[row + c], down[row - c + n] = true, true, true
                place(row + 1)
                columns[c], up[row + c], down[row - c + n] = nil, nil, nil
            end
        end
    end
    place(1)
    return count
end

local function words(rounds)
    local seed, list, counts = 42, {}, {}
    for i = 1, rounds do
        seed = (seed * 1103515245 + 12345) % 2147483648
        list[i] = string.format("w%x", seed // 65536 % 997)
    end
    for w in table.concat(list, " "):gmatch("%w+") do counts[w] = (counts[w] or 0) + 1 end
    local keys = {}
    for w in pairs(counts) do keys[#keys + 1] = w end
    table.sort(keys, function(a, b)
        if counts[a] ~= counts[b] then return counts[a] > counts[b] end
        return a < b
    end)
    return keys[1] .. counts[keys[1]] .. #keys
end

local Body = {}
Body.__index = Body
function Body.new(x, v) return setmetatable({ x = x, v = v }, Body) end
function Body:step(other, dt)
    local d = other.x - self.x
    self.v = self.v + d / (d * d + 0.01) ^ 1.5 * dt
    self.x = self.x + self.v * dt
end

local function bodies(steps)
    local list = {}
    for i = 1, 8 do list[i] = Body.new(i * i / 3, (i % 3 - 1) / 7) end
    for _ = 1, steps do
        for i, a in ipairs(list) do a:step(list[i % #list + 1], 0.001) end
    end
    local sum = 0
    for _, b in ipairs(list) do sum = sum + b.x end
    return string.format("%.9f", sum)
end

local function compose(n)
    local f = function(x) return x end
    for i = 1, 100 do
        local g = f
        f = function(x) return g(x) + i end
    end
    local sum = 0
    for i = 1, n do sum = (sum + f(i)) % 1000003 end
    return sum
end

local function substitutions(n)
    local s = ("the quick brown fox jumps over the lazy dog "):rep(20)
    local total = 0
    for i = 1, n do
        local t, k = s:gsub("(%a)(%a*)", function(a, b) return b .. a end)
        total = total + k + #t:upper():reverse()
    end
    return total
end

print(fib(27 + (scale - 1)))
print(queens(8))
print(words(60000 * scale))
print(bodies(20000 * scale))
print(compose(4000 * scale))
print(substitutions(300 * scale))
