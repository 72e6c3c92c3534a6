using System.Buffers.Binary;
using PcieOe.Protocol.Functions;
using PcieOe.Protocol.Link;
using PcieOe.Protocol.Tlp;
using PcieOe.Target.Hops;
using PcieOe.Target.Probes;

namespace PcieOe.Target.Functions;

/// <summary>
/// Joins a function to a lane: requests of the host go in, its answers, DMA and interrupts come out. Sans-I/O: <see cref="OnTlps"/> when
/// a frame has come, <see cref="Pump"/> once in each round (and it does what the lane has room for), <see cref="OnTimer"/> when
/// <see cref="NextDeadline"/> is reached. Every mistake of the peer is counted and dropped or answered; all memory is bounded by
/// <see cref="FunctionBridgeOptions"/>, and nothing allocates after construction.
/// </summary>
public sealed class FunctionBridge : ITlpSink, IFunctionHost, IAdmissionSink
{
    private const int LargestTagBitsBesideProbes = 8;

    private readonly IPcieFunction _function;
    private readonly FunctionBridgeCounters _counters = new();
    private readonly DeviceControl _deviceControl = new();
    private readonly RequestCompleter _completer;
    private readonly DmaReads _reads;
    private readonly DmaWriter _writer;
    private readonly EgressQueue _egress;
    private readonly EgressSender _sender;
    private readonly IAdmission _admission;
    private readonly AdmissionGate _gate;
    private readonly HopRecorder? _hops;
    private readonly TlpProber? _prober;
    private ITlpTransmitter? _lane;
    private int _laneMaximumPayloadBytes;
    private LaneClock _laneClock;

    /// <summary>Attaches the function and the policy. The bridge is closed until <see cref="Open"/>.</summary>
    public FunctionBridge(IPcieFunction function, IAdmission admission, FunctionBridgeOptions options)
        : this(function, admission, options, hops: null)
    {
    }

    /// <param name="hops">Stamps commands; null: none is, and the host's probes are not answered.</param>
    internal FunctionBridge(IPcieFunction function, IAdmission admission, FunctionBridgeOptions options, HopRecorder? hops)
    {
        options.Validate();
        _function = function;
        _hops = hops;
        _prober = hops is null || options.TagBits > LargestTagBitsBesideProbes ? null : new TlpProber(hops.Clock);
        _completer = new RequestCompleter(function, options.MaximumAnswers, _counters);
        _reads = new DmaReads(function, options, _counters);
        _writer = new DmaWriter(_counters);
        _egress = new EgressQueue(options.MaximumTransactions);
        _sender = new EgressSender(function, admission, _writer, _egress, _counters, hops);
        _admission = admission;
        _gate = new AdmissionGate(admission, _egress, options, _counters);
        admission.Attach(this);
        function.Attach(this);
    }

    public FunctionBridgeCounters Counters => _counters;

    /// <summary>Where the time of commands goes; null: nobody asks.</summary>
    internal HopRecorder? Hops => _hops;

    public bool IsOpen => _lane is not null;

    /// <summary>False while the function cannot serve yet: configuration requests are answered with CRS.</summary>
    public bool IsFunctionReady
    {
        get => _completer.IsFunctionReady;
        set => _completer.IsFunctionReady = value;
    }

    /// <summary>Something waits for room in the lane (or for its destination's room): Pump again when there is some.</summary>
    public bool HasUnsent => _completer.HasUnsent || _reads.HasUnsent || _sender.HasUnsent || _prober is { HasUnsent: true };

    /// <summary>Bytes that ready transactions are going to write.</summary>
    public long WaitingBytes => _egress.WaitingBytes;

    public int OutstandingReadRequests => _reads.OutstandingRequests;

    public ulong CurrentOrigin { get; private set; }

    /// <summary>When <see cref="OnTimer"/> wants to be called next; as <see cref="IPcieFunction.NextDeadline"/>.</summary>
    public long NextDeadline => Math.Min(_function.NextDeadline, _laneClock.ToMonotonic(_reads.NextDeadline));

    /// <summary>A session begins: whatever was before it is void, the function is reset.</summary>
    public void Open(ITlpTransmitter lane, FunctionResetKind resetKind, long now)
    {
        _lane = lane;
        _laneMaximumPayloadBytes = TlpLimits.LargestPayloadBytes(lane.MaximumTlpBytes);
        _laneClock = default;
        _writer.Open(lane);
        _reads.Clear();
        _completer.Clear();
        ResetFunction(resetKind, now);
    }

    /// <summary>The session is over: the function is reset, and does nothing until the next one.</summary>
    public void Close(long now)
    {
        _lane = null;
        _writer.Open(null);
        _reads.Clear();
        _completer.Clear();
        ResetFunction(FunctionResetKind.Conventional, now);
    }

    /// <summary>The link is down: nothing times out until <see cref="Resume"/>.</summary>
    public void Suspend(long now) => _laneClock.Stop(now);

    public void Resume(long now) => _laneClock.Continue(now);

    public void OnTlps(ReadOnlySpan<byte> tlps, ulong frameNumber, long now)
    {
        if (_lane is null)
        {
            return;
        }

        CurrentOrigin = frameNumber;
        while (!tlps.IsEmpty)
        {
            if (!TlpView.TryParse(tlps, out TlpView tlp))
            {
                _counters.UnparsableTlps++;
                break;
            }

            tlps = tlps[tlp.TotalBytes..];
            _counters.TlpsReceived++;
            Receive(tlp, now);
            _completer.Send(_lane, now);
        }

        _reads.OfferRoom(now);
    }

    /// <summary>Sends what waits, as far as the lane has room: answers, then DMA read requests, then transactions by deadline.</summary>
    public void Pump(long now)
    {
        if (_lane is null)
        {
            return;
        }

        _completer.Send(_lane, now);
        _reads.Send(_lane, _laneClock.At(now), now);
        _reads.OfferRoom(now);
        if (_prober is { HasUnsent: true })
        {
            _prober.Send(_lane, _completer.CompleterId, _writer.MaximumPayloadBytes, _reads.MaximumRequestBytes);
        }

        do
        {
            _sender.Send(_lane, _completer.CompleterId, now);
        }
        while (_gate.Admit(this, now));
    }

    public void OnTimer(long now)
    {
        if (_lane is not null)
        {
            _reads.OnTimer(_laneClock.At(now), now);
            _reads.OfferRoom(now);
        }

        if (_function.NextDeadline <= now || _function.NeedsPolling)
        {
            _function.OnTimer(now);
        }
    }

    public bool TryRead(ulong address, int length, DmaReadId id) => _lane is not null && _reads.TryOpen(address, length, id);

    public Admission Submit(in AdmissionRequest request, long now)
    {
        if (_lane is null)
        {
            return Admission.Deferred;
        }

        if (_hops is null || !_hops.IsWanted(request.Origin))
        {
            return _gate.Submit(request, now);
        }

        _hops.OnRequested(request);
        Admission admission = _gate.Submit(request, now);
        if (admission.Starts)
        {
            _hops.OnAdmitted(request.Token, _admission);
        }

        return admission;
    }

    public void Ready(in ReadyTransaction transaction)
    {
        if (_lane is not null)
        {
            if (_hops is { IsActive: true })
            {
                _hops.OnReady(transaction);
            }

            _egress.Push(transaction);
            _admission.OnServed(transaction.Token, transaction.ReadyNanoseconds);
        }
    }

    public bool OnAdmitted(TransactionToken token, long deadlineNanoseconds, long now)
    {
        if (_hops is { IsActive: true })
        {
            _hops.OnAdmitted(token, _admission);
        }

        return _function.OnAdmitted(token, deadlineNanoseconds, now);
    }

    private void Receive(in TlpView tlp, long now)
    {
        bool isMalformed = TlpRules.Check(tlp, TlpLimits.MaximumPayloadBytes) != TlpDefect.None;
        _counters.MalformedTlps += isMalformed ? 1 : 0;
        TlpType type = tlp.Type;
        if (type.IsCompletion)
        {
            if (tlp.Tag == TlpProber.Tag && _prober is not null && _prober.TryComplete(tlp, isMalformed))
            {
                return;
            }

            _reads.OnCompletion(tlp, isMalformed, _laneClock.At(now), now);
            return;
        }

        bool isPoisoned = tlp.IsPoisoned && type.HasData;
        _counters.PoisonedRequests += isPoisoned ? 1 : 0;
        if (type.IsMessage)
        {
            _counters.IgnoredMessages += _hops is not null && _hops.TryArm(tlp, CurrentOrigin, now) || _prober is not null && _prober.TryTake(tlp) ? 0 : 1;
        }
        else if (isMalformed || isPoisoned)
        {
            // A request that is never answered locks its requester up: answer also what a stricter completer would drop.
            if (!type.IsPosted)
            {
                _completer.Refuse(tlp, CompletionStatus.UnsupportedRequest);
            }
        }
        else if (type.IsMemoryWrite)
        {
            Write(tlp, now);
        }
        else if (type.IsMemoryRead)
        {
            _completer.Read(tlp);
        }
        else if (type.IsConfig)
        {
            ReceiveConfig(tlp, now);
        }
        else
        {
            _completer.Refuse(tlp, CompletionStatus.UnsupportedRequest);
        }
    }

    private void Write(in TlpView tlp, long now)
    {
        if (_hops is not { IsArmed: true })
        {
            _completer.Write(tlp, now);
            return;
        }

        ulong frameNumber = CurrentOrigin;
        CurrentOrigin = _hops.TakeOrigin();
        _completer.Write(tlp, now);
        CurrentOrigin = frameNumber;
    }

    private void ReceiveConfig(in TlpView tlp, long now)
    {
        if (!tlp.Type.HasData)
        {
            _completer.ReadConfig(tlp);
            return;
        }

        if (!_completer.WriteConfig(tlp, now))
        {
            return;
        }

        uint value = BinaryPrimitives.ReadUInt32LittleEndian(tlp.Payload);
        bool wantsReset = _deviceControl.OnConfigWritten(_function, tlp.RegisterOffset, value, tlp.ByteEnables.First);
        if (wantsReset)
        {
            // The answer to the write that asks for it still has to go (PCIe base spec. 6.6.2), so answers are kept.
            _counters.FunctionLevelResets++;
            _reads.Abandon();
            ResetFunction(FunctionResetKind.FunctionLevel, now);
        }
        else
        {
            ApplyDeviceControl();
        }
    }

    private void ResetFunction(FunctionResetKind kind, long now)
    {
        _sender.Clear();
        _gate.Clear();
        _hops?.Clear();
        _function.Reset(kind, now);
        _deviceControl.Locate(_function);
        ApplyDeviceControl();
    }

    private void ApplyDeviceControl()
    {
        int payload = Math.Min(_deviceControl.MaximumPayloadBytes, _laneMaximumPayloadBytes);
        _completer.MaximumPayloadBytes = payload;
        _writer.MaximumPayloadBytes = payload;
        _reads.MaximumRequestBytes = _deviceControl.MaximumReadRequestBytes;
        _writer.RequesterId = _completer.CompleterId;
        _reads.RequesterId = _completer.CompleterId;
    }
}
