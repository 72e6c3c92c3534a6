using System.Buffers.Binary;
using PcieOe.Protocol.Functions;

namespace PcieOe.Simulation;

/// <summary>
/// A function whose commands come by themselves and take their time: each writes its data, its completion entry and its interrupt, in
/// pieces as there is room, and is turned back now and then as by a full queue. Which command a write belongs to stands in its address.
/// </summary>
internal sealed class SimulatedFlash(Scenario scenario, SimulationRandom random, Lane lane) : IPcieFunction
{
    private const int CapabilityOffset = 0x70;
    private const int MostUnfinished = 24;
    private const int LongestServiceNanoseconds = 300_000;

    private readonly uint _payloadCode = (uint)random.Between(0, 5);
    private readonly Dictionary<uint, Command> _commands = [];
    private readonly List<Service> _services = [];
    private IFunctionHost _host = null!;
    private uint _nextCommand;

    public long NextDeadline { get; private set; } = long.MaxValue;

    public void Attach(IFunctionHost host) => _host = host;

    /// <summary>A PCI Express capability with MPS and nothing else.</summary>
    public uint ReadConfig(int offset) => offset switch
    {
        0 => 0x5678_1234,
        0x34 => CapabilityOffset,
        CapabilityOffset => 0x10,
        CapabilityOffset + 8 => _payloadCode << 5,
        _ => 0,
    };

    public void WriteConfig(int offset, uint value, byte byteEnables, long now)
    {
    }

    public bool TryReadMemory(ulong address, Span<byte> destination, long now) => false;

    public bool TryWriteMemory(ulong address, ReadOnlySpan<byte> data, long now) => false;

    public void Reset(FunctionResetKind kind, long now)
    {
        _commands.Clear();
        _services.Clear();
        _nextCommand = 0;
        NextDeadline = long.MaxValue;
    }

    public void OnReadData(DmaReadId id, int offset, ReadOnlySpan<byte> data, long now) => throw new SimulationFailureException("Data came that nobody asked for.");

    public void OnReadCompleted(DmaReadId id, DmaReadStatus status, long now)
    {
    }

    public void OnReadRoom(long now)
    {
    }

    /// <summary>Commands come while the lane wants TLPs. True: at least one came.</summary>
    public bool Produce(long now)
    {
        if (lane.Flow is not { } flow)
        {
            return false;
        }

        int came = 0;
        while (_commands.Count < MostUnfinished && lane.Delivered + flow.Committed - flow.Delivered + CommandPattern.LeastWrites * _commands.Count < scenario.Tlps)
        {
            uint number = _nextCommand++ & CommandPattern.LastCommand;
            int bytes = CommandPattern.DataBytes(flow.Id, number);
            _commands[number] = new Command(bytes);
            flow.UnfinishedCommands++;
            came++;
            var request = new AdmissionRequest { Token = new TransactionToken(number), ArrivalNanoseconds = now, Bytes = bytes };
            Admission admission = _host.Submit(request, now);
            if (admission.Starts)
            {
                Serve(number, admission.DeadlineNanoseconds, now);
            }
        }

        return came != 0;
    }

    public bool OnAdmitted(TransactionToken token, long deadlineNanoseconds, long now)
    {
        if (!_commands.ContainsKey((uint)token.Value))
        {
            throw new SimulationFailureException($"Command {token.Value} was started, and is none that waits.");
        }

        Serve((uint)token.Value, deadlineNanoseconds, now);
        return true;
    }

    public void OnTimer(long now)
    {
        for (int i = _services.Count - 1; i >= 0; i--)
        {
            if (_services[i].At <= now)
            {
                (uint number, long deadline, _) = _services[i];
                _services.RemoveAt(i);
                _host.Ready(new ReadyTransaction
                {
                    Token = new TransactionToken(number),
                    DeadlineNanoseconds = deadline,
                    BytesToWrite = _commands[number].DataBytes + CommandPattern.EntryBytes + CommandPattern.InterruptBytes,
                    ReadyNanoseconds = now,
                });
            }
        }

        NextDeadline = _services.Count == 0 ? long.MaxValue : _services.Min(service => service.At);
    }

    public MaterializeResult Materialize(TransactionToken token, IDmaWriter writer, long now)
    {
        uint number = (uint)token.Value;
        Flow flow = lane.Flow!;
        Command command = _commands[number];
        if (command.Written == 0 && !command.HasEntry && random.Chance(0.02))
        {
            Serve(number, long.MaxValue, now);
            return MaterializeResult.Blocked;
        }

        while (command.Written < command.DataBytes)
        {
            Span<byte> data = writer.Reserve(CommandPattern.Address(WriteKind.Data, flow.Id, number, command.Written), command.DataBytes - command.Written);
            if (!Fill(data, flow))
            {
                return MaterializeResult.Partial;
            }

            command.Written += data.Length;
        }

        if (!command.HasEntry && !Fill(writer.ReserveWhole(CommandPattern.Address(WriteKind.Entry, flow.Id, number), CommandPattern.EntryBytes), flow))
        {
            return MaterializeResult.Partial;
        }

        command.HasEntry = true;
        if (!Fill(writer.ReserveWhole(CommandPattern.Address(WriteKind.Interrupt, flow.Id, number), CommandPattern.InterruptBytes), flow))
        {
            return MaterializeResult.Partial;
        }

        _commands.Remove(number);
        flow.UnfinishedCommands--;
        return MaterializeResult.Completed;
    }

    private static bool Fill(Span<byte> place, Flow flow)
    {
        if (place.IsEmpty)
        {
            return false;
        }

        BinaryPrimitives.WriteUInt32LittleEndian(place, (uint)flow.Committed);
        TlpPattern.Fill(place[sizeof(uint)..], flow.Id, flow.Committed);
        flow.Committed++;
        return true;
    }

    private void Serve(uint number, long deadline, long now)
    {
        long at = now + random.Between(0, LongestServiceNanoseconds);
        _services.Add(new Service(number, deadline, at));
        NextDeadline = Math.Min(NextDeadline, at);
    }

    private sealed class Command(int dataBytes)
    {
        public int DataBytes => dataBytes;

        public int Written { get; set; }

        public bool HasEntry { get; set; }
    }

    private readonly record struct Service(uint Number, long Deadline, long At);
}
