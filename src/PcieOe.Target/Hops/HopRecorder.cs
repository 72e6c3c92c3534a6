using PcieOe.Protocol.Functions;
using PcieOe.Protocol.Hops;
using PcieOe.Protocol.Link;
using PcieOe.Protocol.Tlp;
using PcieOe.Transport.Hops;

namespace PcieOe.Target.Hops;

/// <summary>
/// Stamps commands of one function on their way through the target: those that the host marked, whose stamps travel back
/// to it, and of its own accord one in so many. It knows a command by its token and nothing of what it means. On the worker's thread;
/// all memory is bounded, and a command for which there is none goes without stamps.
/// </summary>
/// <param name="clock">Monotonic nanoseconds.</param>
/// <param name="arrivals">When the kernel had the frame that is being handed over; null: unknown.</param>
/// <param name="every">One command in so many is stamped whether marked or not; 0: none.</param>
internal sealed class HopRecorder(Func<long> clock, HopDelays delays, LabelledHops totals, int every, FrameArrivals? arrivals = null)
{
    /// <summary>Set in an origin: it names a mark, not a frame.</summary>
    private const ulong MarkedOrigin = 1UL << 63;
    private const int FrameShift = 32;
    private const ulong FrameMask = 0x7FFF_FFFF;

    /// <summary>Of commands at work, of completions not sent, of reports: powers of two.</summary>
    private const int Capacity = 256;
    private const int Mask = Capacity - 1;

    /// <summary>Whose stamps <see cref="_commands"/> has at each place: apart, since most commands that look have none.</summary>
    private readonly TransactionToken[] _tokens = new TransactionToken[Capacity];
    private readonly TimedCommand[] _commands = new TimedCommand[Capacity];
    private readonly TimedCommand[] _leaving = new TimedCommand[Capacity];
    private readonly HopReport[] _reports = new HopReport[Capacity];
    private readonly (uint Name, long At)[] _left = new (uint, long)[Capacity];
    private readonly long[] _hops = new long[Hop.TargetTransmit - Hop.TargetReceive + 1];
    private int _sinceLast;
    private int _active;
    private uint _armedName;
    private ulong _armedFrame;
    private long _armedRingWait = -1;
    private uint _lastMark;
    private uint _lastLeft;
    private uint _firstReport;
    private uint _endOfReports;
    private uint _firstLeft;
    private uint _endOfLeft;

    /// <summary>Monotonic nanoseconds.</summary>
    public Func<long> Clock => clock;

    /// <summary>Whom the host's commands count for: a label.</summary>
    public string Tenant { get; set; } = string.Empty;

    /// <summary>Counts the frames that the host's session has lost; what it was before and behind a command tells whether one was in between.</summary>
    public Func<long>? FramesLost { get; set; }

    public bool HasReports => _firstReport != _endOfReports;

    /// <summary>The next memory write carries a mark.</summary>
    public bool IsArmed => _armedName != 0;

    /// <summary>Some command at work is stamped.</summary>
    public bool IsActive => _active > 0;

    /// <summary>A mark came. False: it is another message.</summary>
    /// <param name="now">The poll round that had its frame.</param>
    public bool TryArm(in TlpView message, ulong frameNumber, long now)
    {
        if (!HopMark.TryParse(message, out uint name))
        {
            return false;
        }

        _armedName = name;
        _armedFrame = frameNumber;
        _armedRingWait = arrivals is null ? -1 : arrivals.WaitUntil(now);
        return true;
    }

    /// <summary>The origin of the memory write that the mark was for.</summary>
    public ulong TakeOrigin()
    {
        ulong origin = MarkedOrigin | (_armedFrame & FrameMask) << FrameShift | _armedName;
        _armedName = 0;
        return origin;
    }

    /// <summary>Whether the command that has just been fetched is to be stamped.</summary>
    public bool IsWanted(ulong origin)
    {
        if ((origin & MarkedOrigin) == 0 && (every == 0 || ++_sinceLast < every))
        {
            return false;
        }

        _sinceLast = 0;
        return true;
    }

    /// <summary>The function asks for the command's admission.</summary>
    public void OnRequested(in AdmissionRequest request)
    {
        int place = PlaceOf(request.Token);
        if (_tokens[place] != default)
        {
            return;
        }

        bool isMarked = (request.Origin & MarkedOrigin) != 0;
        ulong frame = request.Origin >> FrameShift & FrameMask;
        _tokens[place] = request.Token;
        ref TimedCommand command = ref _commands[place];
        command = new TimedCommand
        {
            IsUsed = true,
            Name = isMarked ? (uint)request.Origin : 0,
            FrameNumber = isMarked ? _armedFrame - (_armedFrame - frame & FrameMask) : request.Origin,
            ArrivedAt = request.ArrivalNanoseconds,
            RingWait = isMarked && frame == (_armedFrame & FrameMask) ? _armedRingWait : -1,
            LostBefore = FramesLost?.Invoke() ?? 0,
        };
        _active++;
        delays.Wait(Hop.TargetReceive);
        command.RequestedAt = clock();
        delays.Wait(Hop.PolicyWait);
    }

    public void OnAdmitted(TransactionToken token, IAdmission admission)
    {
        if (TryFind(token, out int place))
        {
            _commands[place].AdmittedAt = clock();
            _commands[place].Class = admission.ClassOf(token);
        }
    }

    /// <summary>Its result is there, or will have been at the instant that the flash model gives.</summary>
    public void OnReady(in ReadyTransaction ready)
    {
        if (!TryFind(ready.Token, out int place) || _commands[place].ReadyAt != 0)
        {
            return;
        }

        ref TimedCommand command = ref _commands[place];

        long waited = delays.Wait(Hop.FlashQueue);
        long cell = delays.Wait(Hop.FlashCell);
        long transfer = delays.Wait(Hop.FlashTransfer);
        bool hasModel = ready.FlashCellNanoseconds + ready.FlashTransferNanoseconds > 0;
        command.FlashCell = ready.FlashCellNanoseconds + cell;
        command.FlashTransfer = ready.FlashTransferNanoseconds + transfer;
        long at = hasModel ? ready.ReadyNanoseconds + waited + cell + transfer : clock();
        command.ReadyAt = Math.Max(at, command.AdmittedAt + command.FlashCell + command.FlashTransfer);
        command.Opcode = ready.Opcode;
        command.DataBytes = ready.DataBytes;
    }

    /// <summary>Its result is about to be written, or goes on being written.</summary>
    public void OnMaterializing(TransactionToken token)
    {
        if (TryFind(token, out int place) && _commands[place].WritingAt == 0)
        {
            delays.Wait(Hop.TargetQueue);
            _commands[place].WritingAt = Math.Max(clock(), _commands[place].ReadyAt);
        }
    }

    /// <summary>Its result is in frames, the last of which is being filled.</summary>
    public void OnMaterialized(TransactionToken token, ITlpTransmitter lane, RoutingId requester)
    {
        if (!TryFind(token, out int place))
        {
            return;
        }

        ref TimedCommand command = ref _commands[place];
        _lastMark = _lastMark == uint.MaxValue ? 1 : _lastMark + 1;
        _leaving[_lastMark & Mask] = command;
        lane.Mark(_lastMark);
        if (command.Name != 0 && _endOfReports - _firstReport < Capacity)
        {
            _reports[_endOfReports++ & Mask] = command.ToReport();
            SendReports(lane, requester);
        }

        _tokens[place] = default;
        _active--;
    }

    /// <summary>It must begin anew: its destination was full.</summary>
    public void OnBlocked(TransactionToken token)
    {
        if (TryFind(token, out int place))
        {
            _commands[place].WritingAt = 0;
        }
    }

    /// <summary>Sends what the lane has room for.</summary>
    public void SendReports(ITlpTransmitter lane, RoutingId requester)
    {
        while (HasReports)
        {
            Span<byte> tlp = lane.Reserve(HopReport.WrittenLength);
            if (tlp.IsEmpty)
            {
                return;
            }

            ref HopReport report = ref _reports[_firstReport++ & Mask];
            if (_firstLeft != _endOfLeft)
            {
                (report.LeftName, report.LeftAt) = _left[_firstLeft++ & Mask];
            }

            report.Write(tlp, requester);
            lane.Commit(tlp.Length);
        }
    }

    /// <summary>Frames leave, with all marks of the lane up to this one.</summary>
    public void OnLeaving(uint lastMark)
    {
        int count = (int)(lastMark - _lastLeft);
        if (lastMark == 0 || count <= 0)
        {
            return;
        }

        delays.Wait(Hop.TargetTransmit);
        long now = clock();
        for (uint mark = count > Capacity ? lastMark - Mask : _lastLeft + 1; mark != lastMark + 1; mark++)
        {
            Record(ref _leaving[mark & Mask], now);
        }

        _lastLeft = lastMark;
        delays.Wait(Hop.WireBack);
    }

    /// <summary>The function was reset, or has another host: its commands are no more.</summary>
    public void Clear()
    {
        Array.Clear(_tokens);
        Array.Clear(_leaving);
        _active = 0;
        _armedName = 0;
        _lastLeft = _lastMark;
        _firstReport = _endOfReports = _firstLeft = _endOfLeft = 0;
    }

    private void Record(ref TimedCommand command, long now)
    {
        if (!command.IsUsed)
        {
            return;
        }

        command.CopyHops(_hops, now);
        HopLabels labels = new(Tenant, command.Class, command.Opcode, HopLabels.RoundSize(command.DataBytes), (FramesLost?.Invoke() ?? 0) != command.LostBefore);
        totals.For(labels).Record(_hops, now - command.ArrivedAt);
        if (command.Name != 0)
        {
            if (_endOfLeft - _firstLeft == Capacity)
            {
                _firstLeft++;
            }

            _left[_endOfLeft++ & Mask] = (command.Name, now);
        }

        command = default;
    }

    private bool TryFind(TransactionToken token, out int place)
    {
        place = PlaceOf(token);
        return _tokens[place] == token;
    }

    /// <summary>Where a command's stamps are, if it has any: of two with the same place only the first has.</summary>
    private static int PlaceOf(TransactionToken token) => (int)(token.Value * 0x9E37_79B9_7F4A_7C15 >> 56);
}
