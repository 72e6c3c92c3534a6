using System.Buffers.Binary;
using PcieOe.Protocol.Link;
using PcieOe.Protocol.Tlp;

namespace PcieOe.Simulation;

/// <summary>
/// The host's end of a function's writes. It knows what must come: every write of one flow, from the first on, once, in order, unaltered;
/// and, whatever the policies decided, a command's data whole before its completion entry, and that before its interrupt.
/// </summary>
internal sealed class CommandReceiver(Lane lane, FlowLedger ledger, Totals totals) : ITlpSink
{
    private readonly Dictionary<uint, Progress> _commands = [];
    private readonly FlowBinding _binding = new(lane, ledger);
    private uint _next;

    public void OnTlps(ReadOnlySpan<byte> tlps, ulong frameNumber, long now)
    {
        while (!tlps.IsEmpty)
        {
            if (!TlpView.TryParse(tlps, out TlpView tlp) || !tlp.Type.IsMemoryWrite)
            {
                throw Failure($"frame {frameNumber} holds something else than memory writes.");
            }

            tlps = tlps[tlp.TotalBytes..];
            (WriteKind kind, uint id, uint command, int offset) = CommandPattern.Parse(tlp.Address);
            Flow flow = _binding.Bind(id, this);
            Check(tlp, flow);
            Follow(kind, flow, command, offset, tlp.Payload.Length);
            lane.OnDelivered(flow);
            ledger.HasProgress = true;
        }
    }

    private void Check(in TlpView tlp, Flow flow)
    {
        uint index = BinaryPrimitives.ReadUInt32LittleEndian(tlp.Payload);
        if (index != _next)
        {
            throw Failure($"write {index} came where {_next} was due.");
        }

        if (!TlpPattern.IsFilled(tlp.Payload[sizeof(uint)..], flow.Id, index))
        {
            throw Failure($"write {index} was altered.");
        }

        _next++;
    }

    private void Follow(WriteKind kind, Flow flow, uint command, int offset, int bytes)
    {
        Progress progress = _commands.GetValueOrDefault(command);
        bool isDataWhole = progress.DataBytes == CommandPattern.DataBytes(flow.Id, command);
        switch (kind)
        {
            case WriteKind.Data when offset == progress.DataBytes && !progress.HasEntry:
                _commands[command] = progress with { DataBytes = offset + bytes };
                break;
            case WriteKind.Entry when isDataWhole && !progress.HasEntry:
                _commands[command] = progress with { HasEntry = true };
                break;
            case WriteKind.Interrupt when progress.HasEntry:
                _commands.Remove(command);
                totals.Commands++;
                break;
            default:
                throw Failure($"{kind} of command {command} came after {progress.DataBytes} of its {CommandPattern.DataBytes(flow.Id, command)} bytes{(progress.HasEntry ? " and its entry" : "")}.");
        }
    }

    private SimulationFailureException Failure(string what) => new($"{lane.Name}: {what}");

    private readonly record struct Progress(int DataBytes, bool HasEntry);
}
