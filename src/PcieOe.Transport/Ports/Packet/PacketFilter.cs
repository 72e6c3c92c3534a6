using PcieOe.Transport.Interop;

namespace PcieOe.Transport.Ports.Packet;

/// <summary>
/// Builds the classic BPF programs that run in the kernel for each frame (Documentation/networking/filter.rst). A stripped 802.1Q tag
/// and the kind of destination are not in the frame but in ancillary data.
/// </summary>
internal static class PacketFilter
{
    private const ushort LoadWord = 0x20;
    private const ushort LoadHalfWord = 0x28;
    private const ushort AndConstant = 0x54;
    private const ushort JumpIfEqual = 0x15;
    private const ushort ReturnConstant = 0x06;
    private const ushort ModuloConstant = 0x94;

    private const uint EtherTypeOffset = 12;
    private const uint AncillaryPacketType = unchecked((uint)(-0x1000 + 4));
    private const uint AncillaryVlanTag = unchecked((uint)(-0x1000 + 44));
    private const uint PacketTypeOtherHost = 3;
    private const uint PacketTypeOutgoing = 4;
    private const uint WholeFrame = 0x40000;

    private const uint VlanIdMask = 0xFFF;
    private const uint EthernetHeaderBytes = 14;

    /// <summary>A jump to the end of the program, wherever that will be.</summary>
    private const byte Drop = 0xFF;

    /// <summary>What the socket lets in.</summary>
    internal static FilterInstruction[] Build(PacketPortOptions options)
    {
        List<FilterInstruction> program = [new(LoadWord, 0, 0, AncillaryPacketType), new(JumpIfEqual, Drop, 0, PacketTypeOutgoing)];
        if (!options.Promiscuous)
        {
            program.Add(new(JumpIfEqual, Drop, 0, PacketTypeOtherHost));
        }

        if (options.EtherType is { } type)
        {
            program.Add(new(LoadHalfWord, 0, 0, EtherTypeOffset));
            program.Add(new(JumpIfEqual, 0, Drop, (uint)type));

            // VLAN 0 is a priority without a VLAN: it belongs to the untagged frames. These have no tag, or 0 in its place.
            program.Add(new(LoadWord, 0, 0, AncillaryVlanTag));
            program.Add(new(AndConstant, 0, 0, VlanIdMask));
            program.Add(new(JumpIfEqual, 0, Drop, (uint)(options.VlanId ?? 0)));
        }

        if (options.Steering is { } steering)
        {
            program.Add(new(LoadWord, 0, 0, (uint)(EthernetHeaderBytes + steering.SessionIdOffset)));
            program.Add(new(ModuloConstant, 0, 0, (uint)steering.Workers));
            program.Add(new(JumpIfEqual, 0, Drop, (uint)steering.Worker));
        }

        program.Add(new(ReturnConstant, 0, 0, WholeFrame));
        program.Add(new(ReturnConstant, 0, 0, 0));
        int last = program.Count - 1;
        for (int i = 0; i < last; i++)
        {
            FilterInstruction instruction = program[i];
            program[i] = instruction with
            {
                JumpTrue = instruction.JumpTrue == Drop ? (byte)(last - i - 1) : instruction.JumpTrue,
                JumpFalse = instruction.JumpFalse == Drop ? (byte)(last - i - 1) : instruction.JumpFalse,
            };
        }

        return [.. program];
    }
}
