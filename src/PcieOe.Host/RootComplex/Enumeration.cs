using System.Buffers.Binary;
using PcieOe.Protocol.Link;
using PcieOe.Protocol.Tlp;

namespace PcieOe.Host.RootComplex;

/// <summary>
/// Sets a function up by configuration requests, several at a time: finds it, reads its configuration space, sizes and places its BARs,
/// negotiates payload size and tags, programs MSI-X (PCIe base spec. 7.5, 6.1.4). Whatever fails starts over after a pause, for as long
/// as there is a session.
/// </summary>
internal sealed class Enumeration
{
    public const int MaximumOutstanding = 64;

    private const int SpaceDoublewords = ConfigRegister.SpaceBytes / 4;
    private const uint AllOnes = 0xFFFF_FFFF;

    private readonly ConfigShadow _shadow;
    private readonly MsixTable _msix;
    private readonly ConfigRequests _requests;
    private readonly RootComplexCounters _counters;
    private readonly long _retryNanoseconds;
    private readonly byte[] _space = new byte[ConfigRegister.SpaceBytes];
    private readonly uint[] _sizing = new uint[ConfigRegister.BarCount];
    private readonly SetupWrites _writes;
    private EnumerationPurpose _purpose;
    private int _next;
    private int _outstanding;
    private bool _hasFailed;
    private long _resumeAt;

    public Enumeration(ConfigShadow shadow, MsixTable msix, ConfigRequests requests, RootComplexCounters counters, RootComplexOptions options)
    {
        _shadow = shadow;
        _msix = msix;
        _requests = requests;
        _counters = counters;
        _retryNanoseconds = options.EnumerationRetryMilliseconds * 1_000_000L;
        _writes = new SetupWrites(shadow, msix, options.HidesFunctionMemory);
    }

    public EnumerationStep Step { get; private set; }

    public EnumerationPurpose Purpose => _purpose;

    public bool IsActive => Step != EnumerationStep.Idle;

    /// <summary>MPS as negotiated, bytes.</summary>
    public int MaximumPayloadBytes => _writes.MaximumPayloadBytes;

    /// <summary>When <see cref="Advance"/> has something to do besides what completions bring.</summary>
    public long NextDeadline => Step != EnumerationStep.Idle && _resumeAt != 0 ? _resumeAt : long.MaxValue;

    /// <summary>The configuration space read last.</summary>
    public ReadOnlySpan<byte> Space => _space;

    public void Begin(EnumerationPurpose purpose)
    {
        _requests.AbandonAll();
        _purpose = purpose;
        Enter(purpose == EnumerationPurpose.Reset ? EnumerationStep.InitiateReset : EnumerationStep.Probe);
    }

    public void Stop() => Enter(EnumerationStep.Idle);

    /// <summary>Sends what there is room for, and goes on to the next step when one is done.</summary>
    public EnumerationOutcome Advance(ITlpTransmitter transmitter, long now)
    {
        if (_resumeAt != 0)
        {
            if (now < _resumeAt)
            {
                return EnumerationOutcome.None;
            }

            _resumeAt = 0;
        }

        while (Step != EnumerationStep.Idle)
        {
            if (_hasFailed)
            {
                Retry(now);
                return EnumerationOutcome.None;
            }

            if (!TrySendRest(transmitter, now) || _outstanding > 0)
            {
                return EnumerationOutcome.None;
            }

            EnumerationOutcome outcome = Finish(transmitter);
            if (outcome != EnumerationOutcome.None)
            {
                return outcome;
            }
        }

        return EnumerationOutcome.None;
    }

    /// <summary>The end of a configuration request of the current attempt.</summary>
    public void OnCompleted(int offset, bool isRead, CompletionStatus status, uint value)
    {
        _outstanding--;
        if (status != CompletionStatus.SuccessfulCompletion)
        {
            _hasFailed = true;
        }
        else if (isRead)
        {
            switch (Step)
            {
                case EnumerationStep.Probe:
                    _hasFailed |= value == AllOnes;
                    break;
                case EnumerationStep.ReadSpace:
                    BinaryPrimitives.WriteUInt32LittleEndian(_space.AsSpan(offset), value);
                    break;
                case EnumerationStep.ReadSizes:
                    _sizing[(offset - ConfigRegister.FirstBar) / 4] = value;
                    break;
            }
        }
    }

    /// <summary>A configuration request of the current attempt was not answered in time.</summary>
    public void OnTimedOut()
    {
        _outstanding--;
        _hasFailed = true;
    }

    private void Enter(EnumerationStep step)
    {
        Step = step;
        _next = 0;
        _outstanding = 0;
        _hasFailed = false;
        _resumeAt = 0;
    }

    private void Retry(long now)
    {
        _counters.EnumerationRetries++;
        _requests.AbandonAll();
        Enter(_purpose == EnumerationPurpose.Reset && Step == EnumerationStep.InitiateReset ? Step : EnumerationStep.Probe);
        _resumeAt = now + _retryNanoseconds;
    }

    /// <summary>True: every request of the step has been sent.</summary>
    private bool TrySendRest(ITlpTransmitter transmitter, long now)
    {
        if (Step == EnumerationStep.ProgramInterrupts)
        {
            return TrySendInterruptTable(transmitter);
        }

        for (; _next < OperationCount; _next++)
        {
            GetOperation(_next, out bool isWrite, out int offset, out uint value);
            if (_outstanding >= MaximumOutstanding || !_requests.TrySend(transmitter, isWrite, offset, value, byteEnables: 0xF, now))
            {
                return false;
            }

            _outstanding++;
        }

        return true;
    }

    private int OperationCount => Step switch
    {
        EnumerationStep.InitiateReset or EnumerationStep.Probe or EnumerationStep.Confirm => 1,
        EnumerationStep.ReadSpace => SpaceDoublewords,
        EnumerationStep.WriteSizingPattern => ConfigRegister.BarCount + 1,
        EnumerationStep.ReadSizes => ConfigRegister.BarCount,
        EnumerationStep.Program => _writes.Count,
        _ => 0,
    };

    private void GetOperation(int index, out bool isWrite, out int offset, out uint value)
    {
        value = 0;
        isWrite = false;
        switch (Step)
        {
            case EnumerationStep.InitiateReset:
                isWrite = true;
                bool canReset = _shadow.Layout.Pcie != 0;
                offset = canReset ? _shadow.Layout.Pcie + ConfigRegister.PcieDeviceControl : ConfigRegister.CommandStatus;
                value = canReset ? ConfigRegister.DeviceControlInitiateReset : 0;
                break;
            case EnumerationStep.ReadSpace:
                offset = index * 4;
                break;
            case EnumerationStep.WriteSizingPattern:
                // Decoding is off while the BARs hold the pattern.
                isWrite = true;
                offset = index == 0 ? ConfigRegister.CommandStatus : ConfigRegister.FirstBar + (index - 1) * 4;
                value = index == 0 ? 0 : AllOnes;
                break;
            case EnumerationStep.ReadSizes:
                offset = ConfigRegister.FirstBar + index * 4;
                break;
            case EnumerationStep.Program:
                isWrite = true;
                (offset, value) = _writes[index];
                break;
            default:
                offset = ConfigRegister.Identifiers;
                break;
        }
    }

    private EnumerationOutcome Finish(ITlpTransmitter transmitter)
    {
        switch (Step)
        {
            case EnumerationStep.InitiateReset:
                Enter(EnumerationStep.Probe);
                break;
            case EnumerationStep.Probe when _purpose != EnumerationPurpose.Reset:
                Enter(EnumerationStep.ReadSpace);
                break;
            case EnumerationStep.ReadSpace when _purpose == EnumerationPurpose.Discover:
                Enter(EnumerationStep.WriteSizingPattern);
                break;
            case EnumerationStep.ReadSpace when !_shadow.IsSameFunction(_space):
                Enter(EnumerationStep.Idle);
                return EnumerationOutcome.DifferentFunction;
            case EnumerationStep.WriteSizingPattern:
                Enter(EnumerationStep.ReadSizes);
                break;
            case EnumerationStep.ReadSizes:
                _hasFailed = !TryLearn();
                if (!_hasFailed)
                {
                    EnterProgram(transmitter);
                }

                break;
            case EnumerationStep.Probe:
            case EnumerationStep.ReadSpace:
                EnterProgram(transmitter);
                break;
            case EnumerationStep.Program:
                Enter(EnumerationStep.ProgramInterrupts);
                break;
            case EnumerationStep.ProgramInterrupts:
                Enter(EnumerationStep.Confirm);
                break;
            case EnumerationStep.Confirm:
                Enter(EnumerationStep.Idle);
                _counters.Enumerations++;
                return EnumerationOutcome.Succeeded;
        }

        return EnumerationOutcome.None;
    }

    private bool TryLearn()
    {
        if (!_shadow.Bars.TryAssign(_sizing))
        {
            return false;
        }

        _shadow.Load(_space);
        _msix.Configure(_shadow.Layout, _shadow.Bars[_shadow.Layout.MsixTableBar]);
        return true;
    }

    private void EnterProgram(ITlpTransmitter transmitter)
    {
        Enter(EnumerationStep.Program);
        _writes.Prepare(_space, transmitter.MaximumTlpBytes, isReplay: _purpose == EnumerationPurpose.Replay);
    }

    private bool TrySendInterruptTable(ITlpTransmitter transmitter)
    {
        Span<byte> data = stackalloc byte[MsixTable.WriteBytes];
        for (; _next < _msix.WriteCount; _next++)
        {
            _msix.GetWrite(_next, out ulong offset, data);
            MemoryRequestHeader header = MemoryRequestHeader.Write(_shadow.Bars.Address(_msix.Bar) + offset, data.Length, _requests.RequesterId);
            Span<byte> tlp = transmitter.Reserve(header.WrittenLength + data.Length);
            if (tlp.IsEmpty)
            {
                return false;
            }

            header.Write(tlp);
            data.CopyTo(tlp[header.WrittenLength..]);
            transmitter.Commit(tlp.Length);
        }

        return true;
    }
}
