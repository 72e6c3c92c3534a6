using PcieOe.Host.RootComplex;
using PcieOe.Protocol.Hops;
using PcieOe.Protocol.Tlp;
using PcieOe.Transport.Hops;

namespace PcieOe.Host.Hops;

/// <summary>
/// Stamps one command in so many on its way through the host agent, asks the target for its part, and hands on what is whole. On the
/// worker's thread; nothing allocates for a sample. A sample of which something never comes (an outage, a reset, the last command of
/// all, since a completion's leaving is told beside a later one) is overwritten in time and counts nowhere.
/// </summary>
internal sealed class HopSampler : IFunctionMessageSink, IDisposable
{
    /// <summary>More than can be under way at once: a power of two.</summary>
    private const int Capacity = 1024;
    private const int Mask = Capacity - 1;

    private readonly Func<long> _clock;
    private readonly HopDelays _delays;
    private readonly HopSample[] _samples = new HopSample[Capacity + 1];
    private readonly uint[] _sampleOfMark = new uint[Capacity];
    private uint _lastSample;
    private uint _lastMark;
    private uint _lastLeft;
    private int _every;
    private int _untilNext;
    private int _untilDoorbell = 1;

    /// <param name="clock">Monotonic nanoseconds.</param>
    internal HopSampler(Func<long> clock, HopDelays delays, SampleRecorder recorder, int every)
    {
        _clock = clock;
        _delays = delays;
        Recorder = recorder;
        Every = every;
    }

    /// <summary>One command in so many is sampled; 0: none.</summary>
    internal int Every
    {
        get => _every;
        set => _untilNext = _every = value;
    }

    /// <summary>Where the samples that are whole go.</summary>
    internal SampleRecorder Recorder { get; }

    /// <summary>Who hears the messages that are no reports.</summary>
    internal IFunctionMessageSink? OtherMessages { get; set; }

    /// <summary>Counts the frames that the session has lost; what it was before and behind a command tells whether one was in between.</summary>
    internal Func<long>? FramesLost { get; init; }

    /// <summary>When the kernel had the frame that is being handed over; null: unknown.</summary>
    internal FrameArrivals? Arrivals { get; init; }

    /// <summary>For the client, before a command: whether it is the turn of this one.</summary>
    internal bool TakeTurn()
    {
        if (_every == 0 || --_untilNext > 0)
        {
            return false;
        }

        _untilNext = _every;
        return true;
    }

    internal long Now() => _clock();

    /// <summary>Forgets what is under way, and records what follows for one workload.</summary>
    internal void BeginWorkload(WorkloadHops hops, SlowestCommands? slowest, int every)
    {
        Recorder.Begin(hops, slowest, _clock());
        Every = every;
        Array.Clear(_samples);
    }

    /// <summary>What it recorded joins <see cref="SampleRecorder.Totals"/> by whoever sums it up.</summary>
    internal void EndWorkload(int every)
    {
        Recorder.End();
        Every = every;
        Array.Clear(_samples);
    }

    /// <summary>The client begins a command. Returns the sample's name.</summary>
    internal uint Begin() => BeginAt(_clock());

    /// <summary>A client on another thread began a command at that instant.</summary>
    internal uint BeginAt(long begunAt)
    {
        _lastSample = _lastSample == uint.MaxValue ? 1 : _lastSample + 1;
        ref HopSample sample = ref _samples[_lastSample & Mask];
        sample = new HopSample { Id = _lastSample, BegunAt = begunAt, LostBefore = FramesLost?.Invoke() ?? 0 };
        return _lastSample;
    }

    /// <summary>
    /// A front end's client rings: its doorbell is the next write. What it starts ends, for the agent, when the report has come, which is
    /// behind the interrupt. Of the commands of one doorbell the first that completes counts.
    /// </summary>
    internal void OnDoorbell(IRemoteFunction function)
    {
        if (_every == 0 || --_untilDoorbell > 0)
        {
            return;
        }

        // An odd number: doorbells of two kinds that take turns, only one of which starts commands, shall both have theirs.
        _untilDoorbell = _every | 1;
        uint id = Begin();
        Find(id).IsDoorbell = true;
        OnIssued(id);
        TryPost(id, function);
    }

    /// <summary>Its entry is written.</summary>
    internal void OnIssued(uint id)
    {
        ref HopSample sample = ref Find(id);
        _delays.Wait(Hop.Submit);
        sample.IssuedAt = _clock();
    }

    /// <summary>Its doorbell is the next write. False: the target cannot be asked.</summary>
    internal bool TryPost(uint id, IRemoteFunction function)
    {
        ref HopSample sample = ref Find(id);
        _delays.Wait(Hop.HostQueue);
        uint mark = _lastMark == uint.MaxValue ? 1 : _lastMark + 1;
        if (!function.TryMark(mark))
        {
            return false;
        }

        _lastMark = mark;
        _sampleOfMark[mark & Mask] = id;
        sample.PostedAt = _clock();
        sample.Known |= HopParts.Posted;
        return true;
    }

    /// <summary>Frames leave, with all marks up to this one.</summary>
    internal void OnLeaving(uint lastMark)
    {
        int count = (int)(lastMark - _lastLeft);
        if (lastMark == 0 || count <= 0)
        {
            return;
        }

        _lastLeft = lastMark;
        _delays.Wait(Hop.HostTransmit);
        long now = _clock();
        for (uint mark = lastMark; count > 0 && count <= Capacity; mark--, count--)
        {
            ref HopSample sample = ref Find(_sampleOfMark[mark & Mask]);
            sample.LeftAt = now;
            sample.Known |= HopParts.Left;
        }

        _delays.Wait(Hop.WireOut);
    }

    /// <summary>Whether marks up to this one are more than what has left.</summary>
    internal bool IsNews(uint lastMark) => lastMark != _lastLeft && lastMark != 0;

    public void OnMessage(in TlpView message, ulong frameNumber, long now)
    {
        if (!HopReport.TryParse(message, out HopReport report))
        {
            OtherMessages?.OnMessage(message, frameNumber, now);
            return;
        }

        if (report.LeftName != 0)
        {
            ref HopSample earlier = ref Find(_sampleOfMark[report.LeftName & Mask]);
            if (earlier.Target.Name == report.LeftName)
            {
                earlier.TargetLeftAt = report.LeftAt;
                Learn(ref earlier, HopParts.TargetLeft, now);
            }
        }

        ref HopSample sample = ref Find(_sampleOfMark[report.Name & Mask]);
        if ((sample.Known & (HopParts.Posted | HopParts.Reported)) == HopParts.Posted)
        {
            sample.Target = report;
            long lay = Arrivals?.WaitUntil(now) ?? -1;
            sample.KernelHadAt = lay < 0 ? 0 : now - lay;
            HopParts learnt = HopParts.Reported;
            if (sample.IsDoorbell)
            {
                _delays.Wait(Hop.HostReceive);
                sample.ReceivedAt = now;
                sample.FoundAt = _clock();
                _delays.Wait(Hop.Complete);
                sample.EndedAt = _clock();
                sample.Whole = _clock() - sample.BegunAt;
                sample.IsRetransmitted = HasLostSince(sample.LostBefore);
                learnt |= HopParts.Found | HopParts.Ended;
            }

            Learn(ref sample, learnt, now);
        }
    }

    /// <summary>Its completion has been found.</summary>
    /// <param name="receivedAt">The poll round that brought it.</param>
    internal void OnFound(uint id, long receivedAt)
    {
        ref HopSample sample = ref Find(id);
        _delays.Wait(Hop.HostReceive);
        sample.ReceivedAt = receivedAt;
        sample.FoundAt = _clock();
        sample.Known |= HopParts.Found;
    }

    /// <summary>The client knows of its end.</summary>
    /// <param name="startedAt">The client's own reading of <see cref="Now"/> before <see cref="Begin"/>.</param>
    internal void End(uint id, long startedAt)
    {
        ref HopSample sample = ref Find(id);
        _delays.Wait(Hop.Complete);
        sample.EndedAt = _clock();
        long now = _clock();
        sample.Whole = now - startedAt;
        sample.IsRetransmitted = HasLostSince(sample.LostBefore);
        Learn(ref sample, HopParts.Ended, now);
    }

    public void Dispose() => Recorder.Dispose();

    private bool HasLostSince(long before) => FramesLost is not null && FramesLost() != before;

    /// <summary>Stamps of a sample that is no more go to the slot that no sample has.</summary>
    private ref HopSample Find(uint id)
    {
        ref HopSample sample = ref _samples[id & Mask];
        if (id == 0 || sample.Id != id)
        {
            sample = ref _samples[Capacity];
            sample = default;
        }

        return ref sample;
    }

    private void Learn(ref HopSample sample, HopParts part, long now)
    {
        sample.Known |= part;
        if (sample.Known == HopParts.All)
        {
            Recorder.Record(sample, now);
            sample = default;
        }
    }
}
