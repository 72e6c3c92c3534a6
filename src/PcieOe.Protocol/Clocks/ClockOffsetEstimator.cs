namespace PcieOe.Protocol.Clocks;

/// <summary>
/// Finds the offset between two clocks from four-timestamp exchanges (as in RFC 5905, section 8), with a bound of its error that holds
/// for every asymmetry of the path.
/// <para>
/// A frame takes no negative time, so each exchange gives two facts: the offset is at most (ask received - asked), and at least
/// (answered - answer received). Of every second the exchange with the least round trip is kept, for the last <see cref="Slots"/>
/// seconds. Facts of different instants are joined by the drift: the steepest and the flattest line that violate none bound it. The
/// estimate is the middle of what all facts together allow, the error bound half its width: at most half the least round trip, plus what
/// the clocks may have drifted since.
/// </para>
/// <para>
/// The bound assumes that the pace of either clock is steady to <see cref="WanderPartsPerBillion"/> over the window. When the facts
/// contradict one another (a clock was slewed), the older ones are forgotten.
/// </para>
/// </summary>
public sealed class ClockOffsetEstimator
{
    internal const int Slots = 32;

    /// <summary>Quartz wanders by less over half a minute; so does a clock that NTP disciplines once it is locked.</summary>
    internal const int WanderPartsPerBillion = 500;

    /// <summary>As fast as two clocks may part: each is within 500 ppm of true time (the most that adjtimex allows).</summary>
    internal const int MaximumDriftPartsPerBillion = 1_000_000;

    private const long SlotNanoseconds = 1_000_000_000;
    private const double Billion = 1e9;
    private const double Wander = WanderPartsPerBillion / Billion;

    private readonly Fact[] _facts = new Fact[Slots];
    private int _count;
    private int _newest = -1;
    private double _slowest;
    private double _fastest;

    /// <summary>Exchanges whose instants contradict themselves; ignored.</summary>
    public long Implausible { get; private set; }

    /// <summary>How often older exchanges were forgotten since newer ones contradicted them.</summary>
    public long Restarts { get; private set; }

    /// <summary>
    /// Takes a finished exchange. The receiving instants must have been read after the frames came: a clock read before would make the
    /// path look shorter than it is.
    /// </summary>
    /// <param name="asked">Own clock, before the ask was sent.</param>
    /// <param name="askReceived">The peer's clock, after the ask came.</param>
    /// <param name="answered">The peer's clock, before the answer was sent.</param>
    /// <param name="answerReceived">Own clock, after the answer came.</param>
    public void Add(long asked, long askReceived, long answered, long answerReceived)
    {
        // A peer's instants may be anything, and their differences wrap; what cannot be an exchange of a few seconds is dropped.
        long elapsed = unchecked(answerReceived - asked);
        long peerElapsed = unchecked(answered - askReceived);
        long roundTrip = unchecked(elapsed - peerElapsed);
        if (elapsed is < 0 or > 10 * SlotNanoseconds || peerElapsed < 0 || roundTrip < 0)
        {
            Implausible++;
            return;
        }

        var fact = new Fact
        {
            At = answerReceived,
            Least = unchecked(answered - answerReceived),
            Most = unchecked(askReceived - asked),
            RoundTrip = roundTrip,
        };
        if (!Keep(fact))
        {
            return;
        }

        if (!BoundDrift())
        {
            Restarts++;
            Reset();
            Keep(fact);
            BoundDrift();
        }
    }

    /// <summary>Forgets all: the peer has another clock now.</summary>
    public void Reset()
    {
        _count = 0;
        _newest = -1;
    }

    /// <summary>The offset at <paramref name="now"/> (own clock). False: there was no exchange yet.</summary>
    public bool TryEstimate(long now, out ClockOffset offset)
    {
        if (_count == 0)
        {
            offset = default;
            return false;
        }

        // All values relative to the newest fact, so that doubles hold them to far below a nanosecond.
        Fact reference = _facts[_newest];
        double least = double.NegativeInfinity, most = double.PositiveInfinity;
        long minimumRoundTrip = long.MaxValue;
        foreach (ref readonly Fact fact in _facts.AsSpan(0, _count))
        {
            double age = now - fact.At;
            double slow = age >= 0 ? _slowest - Wander : _fastest + Wander;
            double fast = age >= 0 ? _fastest + Wander : _slowest - Wander;
            least = Math.Max(least, fact.Least - reference.Least + age * slow);
            most = Math.Min(most, fact.Most - reference.Least + age * fast);
            minimumRoundTrip = Math.Min(minimumRoundTrip, fact.RoundTrip);
        }

        double middle = (least + most) / 2;
        offset = new ClockOffset(
            reference.Least + (long)Math.Round(middle),
            (long)Math.Ceiling(Math.Max(0, most - least) / 2) + 1,
            (int)((_slowest + _fastest) / 2 * Billion),
            minimumRoundTrip);
        return true;
    }

    /// <summary>False: the second that the exchange belongs to has a better one already.</summary>
    private bool Keep(in Fact fact)
    {
        if (_newest >= 0 && fact.At - _facts[_newest].SlotStart is >= 0 and < SlotNanoseconds)
        {
            if (fact.RoundTrip >= _facts[_newest].RoundTrip)
            {
                return false;
            }

            _facts[_newest] = fact with { SlotStart = _facts[_newest].SlotStart };
            return true;
        }

        _newest = (_newest + 1) % Slots;
        _facts[_newest] = fact with { SlotStart = fact.At };
        _count = Math.Min(_count + 1, Slots);
        return true;
    }

    /// <summary>The slowest and the fastest drift that contradict no pair of facts; false if there is none.</summary>
    private bool BoundDrift()
    {
        const double limit = MaximumDriftPartsPerBillion / Billion;
        double slowest = -limit, fastest = limit;
        ReadOnlySpan<Fact> facts = _facts.AsSpan(0, _count);
        foreach (ref readonly Fact earlier in facts)
        {
            foreach (ref readonly Fact later in facts)
            {
                double apart = later.At - earlier.At;
                if (apart <= 0)
                {
                    // At one instant there is no drift to tell, but still a contradiction.
                    if (apart == 0 && later.Most < earlier.Least)
                    {
                        return false;
                    }

                    continue;
                }

                fastest = Math.Min(fastest, (later.Most - earlier.Least) / apart + Wander);
                slowest = Math.Max(slowest, (later.Least - earlier.Most) / apart - Wander);
            }
        }

        (_slowest, _fastest) = (slowest, fastest);
        return slowest <= fastest;
    }

    /// <summary>What one exchange shows, at the instant its answer came.</summary>
    private record struct Fact
    {
        public long SlotStart;
        public long At;
        public long Least;
        public long Most;
        public long RoundTrip;
    }
}
