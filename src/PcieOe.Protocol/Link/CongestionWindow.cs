namespace PcieOe.Protocol.Link;

/// <summary>
/// How many data frames may be under way. It grows while it is what limits the sender, and shrinks at most once in a round trip: by
/// three tenths after a loss, in proportion to the excess when even the shortest of two round trips in succession stood in a queue. (One
/// alone may be a peer that the scheduler took away.) Never below two: many senders that answer one another must not fall silent.
/// </summary>
internal sealed class CongestionWindow(int most, long delayTarget)
{
    private const double Floor = 2;
    private const double LossFactor = 0.7;
    private const int DelayedRoundsTolerated = 1;

    // Growth by whole frames would be too much for senders whose share of a queue is two or three: together they would keep it full, and
    // whoever comes later would find no place in it.
    private const double LeastGrowth = 0.25;
    private const double GrowthDivisor = 16;

    private double _frames = Math.Min(LinkOptions.InitialWindowFrames, most);
    private double _slowStartThreshold = double.MaxValue;
    private double _framesBeforeReduction;
    private double _thresholdBeforeReduction;

    // A round is over when the first frame sent after its beginning has been received.
    private ulong _roundEnd;
    private ulong _recoveryEnd;
    private long _shortestOfRound = long.MaxValue;
    private int _delayedRounds;
    private bool _limited;

    public int Frames => (int)_frames;

    /// <summary>The window, and nothing else, kept a frame from leaving.</summary>
    public void OnLimited() => _limited = true;

    /// <summary>The peer has received <paramref name="highestReceived"/>; <paramref name="roundTrip"/> is the measurement it came with, or 0.</summary>
    public void OnAcknowledged(ulong highestReceived, ulong nextFrameNumber, long roundTrip, long leastRoundTrip)
    {
        if (roundTrip > 0 && roundTrip < _shortestOfRound)
        {
            _shortestOfRound = roundTrip;
        }

        if (highestReceived < _roundEnd || _shortestOfRound == long.MaxValue)
        {
            return;
        }

        EndRound(_shortestOfRound - leastRoundTrip, highestReceived >= _recoveryEnd, nextFrameNumber);
        _roundEnd = nextFrameNumber;
        _shortestOfRound = long.MaxValue;
        _limited = false;
    }

    /// <summary>A frame was lost. Only the first loss among the frames of one window counts.</summary>
    public void OnLoss(ulong frameNumber, ulong nextFrameNumber)
    {
        if (frameNumber >= _recoveryEnd)
        {
            Reduce(LossFactor, nextFrameNumber);
        }
    }

    /// <summary>What was taken for lost had come: the last reduction is taken back.</summary>
    public void OnSpuriousLoss()
    {
        if (_framesBeforeReduction > _frames)
        {
            _frames = _framesBeforeReduction;
            _slowStartThreshold = _thresholdBeforeReduction;
            _framesBeforeReduction = 0;
        }
    }

    /// <summary>Nothing has been acknowledged for long: what is known of the path is void.</summary>
    public void OnOutage(ulong nextFrameNumber)
    {
        _slowStartThreshold = _slowStartThreshold == double.MaxValue ? _frames / 2 : Math.Max(_frames / 2, _slowStartThreshold);
        _frames = Floor;
        _framesBeforeReduction = 0;
        _recoveryEnd = nextFrameNumber;
    }

    private void EndRound(long excess, bool recovered, ulong nextFrameNumber)
    {
        if (excess > delayTarget)
        {
            _slowStartThreshold = Math.Min(_slowStartThreshold, _frames);
            if (++_delayedRounds > DelayedRoundsTolerated && recovered && _frames > Floor)
            {
                Reduce(Math.Max(0.5, 1 - 0.8 * (excess - delayTarget) / excess), nextFrameNumber);
            }

            return;
        }

        _delayedRounds = 0;
        if (!_limited || !recovered)
        {
            return;
        }

        if (_frames < _slowStartThreshold && excess <= delayTarget / 2)
        {
            _frames = Math.Min(2 * _frames, most);
        }
        else
        {
            _frames = Math.Min(_frames + Math.Max(LeastGrowth, _frames / GrowthDivisor), most);
        }
    }

    private void Reduce(double factor, ulong nextFrameNumber)
    {
        _framesBeforeReduction = _frames;
        _thresholdBeforeReduction = _slowStartThreshold;
        _frames = Math.Max(Floor, _frames * factor);
        _slowStartThreshold = _frames;
        _recoveryEnd = nextFrameNumber;
    }
}
